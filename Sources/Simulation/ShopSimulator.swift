import Columns

/// An online shop: users, products, orders with items, page views with their latency, and the stars that customers give.
///
/// `users` and `products` come once, at the start; orders and items would come from the shop's database, views and stars from its
/// web servers.
struct ShopSimulator: Simulator {
    static let name = "shop"
    static let streams = [
        SimulatedStream("users", "jsonl"), SimulatedStream("products", "jsonl"), SimulatedStream("orders", "jsonl"),
        SimulatedStream("items", "jsonl"), SimulatedStream("views", "jsonl"), SimulatedStream("stars", "jsonl"),
    ]
    /// The database is slow, so that pages are; one client fetches every page; a product is bad, and its buyers say so.
    static let faults = ["slow-pages", "scraper", "bad-product"]

    /// Every fortieth user is in `vip.json`, the look-up file of the pipeline.
    static let vipEvery = 40
    static let userCount = 400, productCount = 60

    private let rate: Double
    private let options: SimulationOptions
    private var random: SplitMix64
    private var faults: FaultSchedule
    private var second = 0
    private var orderID = 1000
    private var itemID = 5000
    private var viewID = 0
    /// Stars that a customer is going to give: each is written when its time has come.
    private var coming: [SimulatedLine] = []

    init(_ options: SimulationOptions) {
        self.options = options
        rate = options.rate ?? 5
        random = SplitMix64(seed: options.seed)
        faults = FaultSchedule(options, all: Self.faults)
    }

    var time: Timestamp { options.start + .seconds(second) }
    var truth: [SimulatedFault] { faults.truth }

    /// The users whose access is watched, as the look-up file of the pipeline has them.
    static var vipFile: String {
        "[\n"
            + stride(from: vipEvery, through: userCount, by: vipEvery).map { id in
                JSONObject(["user_id": .text(String(id)), "tier": .text(id % (2 * vipEvery) == 0 ? "gold" : "silver")]).rendered
            }.joined(separator: ",\n") + "\n]\n"
    }

    mutating func next() -> [SimulatedLine] {
        let now = time
        var lines: [SimulatedLine] = []
        if second == 0 { lines += catalogue(now) }
        second += 1
        _ = faults.begin(at: now, &random, length: { _ in .seconds(900) }) { kind, random in
            kind == "bad-product" ? "p\(Int.random(in: 1...Self.productCount, using: &random))" : "shop"
        }
        let running = faults.running(at: now)
        let hour = now.components.hour
        let busy = hour < 7 ? 0.3 : hour >= 18 ? 1.5 : 1.0
        for _ in 0..<random.poisson(rate * busy) { lines.append(view(now, running)) }
        lines += coming.filter { $0.time < now + .seconds(1) }.sorted { $0.time < $1.time }
        coming.removeAll { $0.time < now + .seconds(1) }
        if running.contains(where: { $0.kind == "scraper" }) {
            for _ in 0..<random.poisson(rate * 2) { lines.append(scraperView(now)) }
        }
        for _ in 0..<random.poisson(rate * busy * 0.03) { lines += order(now, running) }
        return lines
    }

    private func catalogue(_ now: Timestamp) -> [SimulatedLine] {
        var random = SplitMix64(seed: options.seed &+ 77)
        let countries = ["DE", "FR", "PL", "IT", "SE"], kinds = ["books", "garden", "kitchen", "music", "toys"]
        let users = (1...Self.userCount).map { id in
            SimulatedLine(
                "users", now,
                JSONObject([
                    "user_id": .int(Int64(id)), "name": .text("user\(id)"),
                    "country": .text(countries[Int.random(in: countries.indices, using: &random)]),
                    "since": .text("20\(Int.random(in: 15...25, using: &random))-0\(Int.random(in: 1...9, using: &random))-15"),
                ]).rendered)
        }
        let products = (1...Self.productCount).map { id in
            SimulatedLine(
                "products", now,
                JSONObject([
                    "product_id": .text("p\(id)"), "name": .text("Product \(id)"),
                    "kind": .text(kinds[Int.random(in: kinds.indices, using: &random)]),
                    "price": .double(Double.random(in: 3..<120, using: &random).rounded(to: 2)),
                ]).rendered)
        }
        return users + products
    }

    private mutating func view(_ now: Timestamp, _ running: [SimulatedFault]) -> SimulatedLine {
        let user = Int.random(in: 1...Self.userCount, using: &random)
        let product = "p\(Int.random(in: 1...Self.productCount, using: &random))"
        let isSlow = running.contains { $0.kind == "slow-pages" }
        let latency = max(1, random.normal(isSlow ? 900 : 60, isSlow ? 300 : 25)) * (random.chance(0.01) ? 8 : 1)
        let method = random.chance(0.85) ? "GET" : random.chance(0.8) ? "POST" : "DELETE"
        let at = now + .milliseconds(Int.random(in: 0..<1000, using: &random))
        viewID += 1
        var object = JSONObject([
            "ts": .timestamp(at), "view_id": .int(Int64(viewID)), "user_id": .int(Int64(user)), "method": .text(method),
            "path": .text("/product/\(product)"), "product_id": .text(product),
            "status": .int(isSlow && random.chance(0.1) ? 503 : random.chance(0.02) ? 404 : 200),
        ])
        object.add("latency_ms", .double(latency.rounded(to: 1)))
        let isBad = running.contains { $0.kind == "bad-product" && $0.subject == product }
        // Who looks at a page sometimes gives stars for it a little later.
        if random.chance(isBad ? 0.6 : 0.04) {
            let later = at + .seconds(Int.random(in: 5...900, using: &random))
            let stars = isBad ? Int.random(in: 1...2, using: &random) : min(5, max(1, Int(random.normal(4.1, 1).rounded())))
            coming.append(
                SimulatedLine(
                    "stars", later,
                    JSONObject([
                        "ts": .timestamp(later), "user_id": .int(Int64(user)), "product_id": .text(product),
                        "stars": .int(Int64(stars)),
                    ]).rendered))
        }
        return SimulatedLine("views", at, object.rendered)
    }

    /// One client that fetches page after page, and is not a user.
    private mutating func scraperView(_ now: Timestamp) -> SimulatedLine {
        viewID += 1
        let product = "p\(viewID % Self.productCount + 1)"
        return SimulatedLine(
            "views", now,
            JSONObject([
                "ts": .timestamp(now), "view_id": .int(Int64(viewID)), "user_id": .int(0), "method": "GET",
                "path": .text("/product/\(product)"), "product_id": .text(product), "status": 200,
                "latency_ms": .double(Double.random(in: 5..<20, using: &random).rounded(to: 1)),
            ]).rendered)
    }

    private mutating func order(_ now: Timestamp, _ running: [SimulatedFault]) -> [SimulatedLine] {
        orderID += 1
        let at = now + .milliseconds(Int.random(in: 0..<1000, using: &random))
        var total = 0.0
        var items: [SimulatedLine] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            itemID += 1
            let quantity = Int.random(in: 1...3, using: &random)
            let price = Double.random(in: 3..<120, using: &random).rounded(to: 2)
            total += Double(quantity) * price
            items.append(
                SimulatedLine(
                    "items", at,
                    JSONObject([
                        "item_id": .int(Int64(itemID)), "order_id": .int(Int64(orderID)), "ts": .timestamp(at),
                        "product_id": .text("p\(Int.random(in: 1...Self.productCount, using: &random))"),
                        "quantity": .int(Int64(quantity)), "price": .double(price),
                    ]).rendered))
        }
        let order = JSONObject([
            "order_id": .int(Int64(orderID)), "ts": .timestamp(at),
            "user_id": .int(Int64(Int.random(in: 1...Self.userCount, using: &random))), "total": .double(total.rounded(to: 2)),
            "state": .text(random.chance(0.03) ? "cancelled" : "paid"),
        ])
        return [SimulatedLine("orders", at, order.rendered)] + items
    }
}
