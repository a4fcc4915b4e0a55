import Jobs
import ArgumentParser
import Columns
import Configuration
import Foundation
import Parsing
import Query
import Telemetry

struct BlocklistCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blocklist", abstract: "List the addresses of attacks, for a firewall. obs itself blocks nothing.",
        discussion: """
            Listed are the sources of incidents that go on or ended by themselves, of the rules that 'blocklist.rules' of the \
            configuration
            names. An incident that somebody resolves is off the list; private addresses, those of this machine and those that
            'blocklist.allow' names are never on it.

            Examples:
              obs blocklist
              obs blocklist --format nftables | nft -f -
              obs blocklist --rule SSHBruteForce --expire 6h --allow 198.51.100.0/24
            """)

    @Option(help: "plain, nftables or json.") var format: Blocklist.Form = .plain
    @Option(help: ArgumentHelp("Only of this rule; may be given several times.", valueName: "name")) var rule: [String] = []
    @Option(help: "How long after it was last seen an address stays listed.") var expire: String?
    @Option(
        help: ArgumentHelp("An address or network that is never listed, beside those of the configuration.", valueName: "network")
    )
    var allow: [String] = []
    @Flag(help: "List private addresses too.") var `private` = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        var policy = try common.configuration().blocklist
        if !rule.isEmpty { policy.rules = Set(rule) }
        if let expire {
            guard let expiry = Duration(parsing: expire), expiry > .zero else {
                throw UsageError("--expire is '\(expire)'; write a duration such as 24h")
            }
            policy.expiry = expiry
        }
        policy.allow += try allow.map { text in
            guard let network = IPNetwork(text) else {
                throw UsageError("--allow is '\(text)', which is not an address; write such as 192.0.2.7 or 192.0.2.0/24")
            }
            return network
        }
        if `private` { policy.includesPrivate = true }
        let list = try Blocklist(
            common.existingWorkspace().incidents, policy, own: Blocklist.ownAddresses,
            now: .now)
        Terminal.write(list.text(format))
    }
}

extension Blocklist.Form: ExpressibleByArgument {}
