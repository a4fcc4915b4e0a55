import Columns

/// Grows the trees of a ``RandomForest``: what all trees of one training share.
///
/// A node is a run of the tree's rows. For each feature tried, the classes of the run are counted by bin, and one walk over the
/// bins finds the cut after which the two sides are purest. Rows that a bootstrap sample holds three times are there once, with
/// weight three.
struct TreeGrower: Sendable {
    let features: BinnedFeatures
    let labels: [UInt16]
    let classCount: Int
    let options: RandomForest.Options

    /// How often each row is in the sample of tree number `tree`, and the generator as it goes on.
    static func bag(rows: Int, seed: UInt64, tree: Int) -> (counts: [UInt16], random: SplitMix64) {
        // Mixed once: seeds a step of the generator apart would give trees whose samples are each other's, shifted by a row.
        var mixer = SplitMix64(seed: seed ^ UInt64(tree) &* 0xD134_2543_DE82_EF95)
        var random = SplitMix64(seed: mixer.next())
        var counts = [UInt16](repeating: 0, count: rows)
        for _ in 0..<rows {
            let row = Int(random.next().multipliedFullWidth(by: UInt64(rows)).high)
            if counts[row] < .max { counts[row] += 1 }
        }
        return (counts, random)
    }

    /// Tree number `number`, and by how much each feature's splits lowered the impurity.
    func grow(_ number: Int) -> (tree: ClassificationTree, gains: [Double]) {
        let bag = Self.bag(rows: features.rowCount, seed: options.seed, tree: number)
        var growth = Growth(grower: self, counts: bag.counts, random: bag.random)
        growth.run()
        return (growth.tree, growth.gains)
    }

    /// A cut: rows whose bin is at most `bin` go left.
    private struct Split {
        let feature: Int
        let bin: Int
        let threshold: Double
        let gain: Double
    }

    /// One tree as it grows.
    private struct Growth {
        let grower: TreeGrower
        let counts: [UInt16]
        let weights: [Double]
        var random: SplitMix64
        var tree: ClassificationTree
        var gains: [Double]
        /// The rows of the sample; each node is a range of it.
        var rows: [Int32]
        var histogram: [Double]
        var rowsInBin = [Int](repeating: 0, count: 256)
        var features: [Int]

        init(grower: TreeGrower, counts: [UInt16], random: SplitMix64) {
            self.grower = grower
            self.counts = counts
            self.random = random
            let classWeights = grower.options.classWeights
            weights = counts.indices.map { Double(counts[$0]) * (classWeights?[Int(grower.labels[$0])] ?? 1) }
            tree = ClassificationTree(classCount: grower.classCount)
            gains = [Double](repeating: 0, count: grower.features.bins.count)
            rows = counts.indices.filter { counts[$0] > 0 }.map(Int32.init)
            histogram = [Double](repeating: 0, count: 256 * grower.classCount)
            features = Array(grower.features.bins.indices)
        }

        mutating func run() {
            // The work that is left: a range of rows, its depth, and whose child it is. Depth first, so that children are
            // behind their parents.
            var open: [(range: Range<Int>, depth: Int, parent: Int, isLeft: Bool)] = [(0..<rows.count, 0, -1, false)]
            while let (range, depth, parent, isLeft) = open.popLast() {
                let node = tree.feature.count
                if parent >= 0 {
                    if isLeft { tree.left[parent] = Int32(node) } else { tree.right[parent] = Int32(node) }
                }
                let totals = totals(of: range)
                let weight = totals.reduce(0, +)
                tree.feature.append(-1)
                tree.threshold.append(0)
                tree.left.append(-1)
                tree.right.append(-1)
                tree.shares += totals.map { Float(weight > 0 ? $0 / weight : 1 / Double(grower.classCount)) }
                let isPure = totals.count { $0 > 0 } < 2
                guard !isPure, depth < grower.options.maxDepth, range.count >= 2 * max(1, grower.options.minimumLeaf),
                    let split = bestSplit(of: range, totals: totals, weight: weight)
                else { continue }
                tree.feature[node] = Int32(split.feature)
                tree.threshold[node] = split.threshold
                gains[split.feature] += split.gain
                let middle = partition(range, by: split)
                open.append((middle..<range.upperBound, depth + 1, node, false))
                open.append((range.lowerBound..<middle, depth + 1, node, true))
            }
        }

        private func totals(of range: Range<Int>) -> [Double] {
            var totals = [Double](repeating: 0, count: grower.classCount)
            for index in range {
                let row = Int(rows[index])
                totals[Int(grower.labels[row])] += weights[row]
            }
            return totals
        }

        /// The purest cut of a random choice of features; features that do not vary here do not count as tried.
        private mutating func bestSplit(of range: Range<Int>, totals: [Double], weight: Double) -> Split? {
            let wanted = grower.options.featuresPerSplit ?? max(1, Int(Double(features.count).squareRoot()))
            var best: Split?
            var tried = 0
            for position in features.indices where tried < wanted {
                features.swapAt(position, Int.random(in: position..<features.count, using: &random))
                let (varies, split) = bestSplit(of: range, on: features[position], totals: totals, weight: weight)
                if varies { tried += 1 }
                if let split, split.gain > best?.gain ?? 0 { best = split }
            }
            return best
        }

        private mutating func bestSplit(
            of range: Range<Int>, on feature: Int, totals: [Double], weight: Double
        ) -> (varies: Bool, split: Split?) {
            let classes = grower.classCount
            let (lowest, highest) = count(range, on: feature)
            guard lowest < highest else { return (false, nil) }
            // Σ p²/n of the two sides is greatest where Gini is least.
            let before = totals.reduce(0) { $0 + $1 * $1 } / weight
            var left = [Double](repeating: 0, count: classes)
            var leftWeight = 0.0, leftRows = 0
            var best: (bin: Int, gain: Double)?
            for bin in lowest..<highest where rowsInBin[bin] > 0 {
                leftRows += rowsInBin[bin]
                for each in 0..<classes {
                    left[each] += histogram[bin * classes + each]
                    leftWeight += histogram[bin * classes + each]
                }
                let rightWeight = weight - leftWeight
                guard leftRows >= grower.options.minimumLeaf, range.count - leftRows >= grower.options.minimumLeaf,
                    leftWeight > 0, rightWeight > 0
                else { continue }
                var leftSquares = 0.0, rightSquares = 0.0
                for each in 0..<classes {
                    leftSquares += left[each] * left[each]
                    let right = totals[each] - left[each]
                    rightSquares += right * right
                }
                let gain = leftSquares / leftWeight + rightSquares / rightWeight - before
                if gain > best?.gain ?? 1e-12 * weight { best = (bin, gain) }
            }
            guard let best else { return (true, nil) }
            // In the middle of the empty bins behind the cut, which is where a row that is yet to come is distinguished best.
            var next = best.bin + 1
            while rowsInBin[next] == 0 { next += 1 }
            let bin = best.bin == 0 ? 0 : (best.bin + next - 1) / 2
            let threshold = bin == 0 ? -Double.greatestFiniteMagnitude : grower.features.cuts[feature][bin - 1]
            return (true, Split(feature: feature, bin: bin, threshold: threshold, gain: best.gain))
        }

        /// Fills the histogram of `feature` over the rows of `range`; gives the lowest and the highest bin in use.
        private mutating func count(_ range: Range<Int>, on feature: Int) -> (Int, Int) {
            let classes = grower.classCount
            let bins = grower.features.bins[feature]
            var lowest = 255, highest = 0
            for index in range {
                let bin = Int(bins[Int(rows[index])])
                lowest = min(lowest, bin)
                highest = max(highest, bin)
            }
            guard lowest < highest else { return (lowest, highest) }
            for slot in (lowest * classes)..<((highest + 1) * classes) { histogram[slot] = 0 }
            for bin in lowest...highest { rowsInBin[bin] = 0 }
            for index in range {
                let row = Int(rows[index])
                let bin = Int(bins[row])
                rowsInBin[bin] += 1
                histogram[bin * classes + Int(grower.labels[row])] += weights[row]
            }
            return (lowest, highest)
        }

        /// Puts the rows of the left side first; gives where the right one begins.
        private mutating func partition(_ range: Range<Int>, by split: Split) -> Int {
            let bins = grower.features.bins[split.feature]
            var middle = range.lowerBound
            for index in range where Int(bins[Int(rows[index])]) <= split.bin {
                rows.swapAt(middle, index)
                middle += 1
            }
            return middle
        }
    }
}
