import Linux

/// What is asked for (RFC 1035, 3.2.2; RFC 3596).
enum RecordType: UInt16, CaseIterable {
    /// IPv4 addresses.
    case a = 1
    /// IPv6 addresses.
    case aaaa = 28
}

/// One question of one message, always of class IN.
struct Question: Equatable {
    let name: DomainName
    let type: RecordType

    private static let classIN: UInt16 = 1

    /// The message that asks it, with recursion desired.
    func encoded(id: UInt16) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ number: UInt16) {
            bytes.append(UInt8(number >> 8))
            bytes.append(UInt8(truncatingIfNeeded: number))
        }
        append(id)
        append(0x0100)  // a query; recursion desired
        for count: UInt16 in [1, 0, 0, 0] { append(count) }
        bytes.append(contentsOf: name.labels)
        bytes.append(0)
        append(type.rawValue)
        append(Self.classIN)
        return bytes
    }
}

/// What a server said to a question.
enum Answer: Equatable {
    /// At least one address, none twice; seconds for which all of them hold.
    case addresses([Address], lifetime: UInt32)
    /// No such name, or none of this type.
    case nothing
    /// The answer was too long for a datagram.
    case truncated
    /// The server can't or won't say.
    case failure

    /// Aliases that are followed within one answer.
    static let mostAliases = 8
    /// Addresses that are kept of one answer.
    static let mostAddresses = 16

    /// A record's type beside those that are asked for (RFC 1035, 3.2.2).
    private static let cname: UInt16 = 5

    /// Reads a message as the answer to a question. Only the answer section counts: what a server volunteers beyond it
    /// can't put an address into our cache.
    static func parse(_ bytes: [UInt8], id: UInt16, question: Question) throws(DNSFault) -> Answer {
        guard bytes.count >= DNSReader.headerSize else { throw .stray }
        var reader = DNSReader(bytes)
        let header = try Header(&reader)
        guard header.id == id, header.isAnswer, header.questions == 1, try echoes(question, &reader) else {
            throw .stray
        }
        switch header.code {
        case 0: break
        case 3: return .nothing  // NXDOMAIN
        default: return .failure
        }
        if header.isTruncated { return .truncated }
        // Neither an answer nor a promise to find one: a server that knows only whom else to ask.
        if header.answers == 0 && !header.isAuthoritative && !header.recurses { return .failure }
        let records = try Records(&reader, count: header.answers, type: question.type)
        return try records.resolve(question.name)
    }

    /// An echo that can't be read is no echo: what is not proven to be ours is a stray.
    private static func echoes(_ question: Question, _ reader: inout DNSReader) throws(DNSFault) -> Bool {
        do throws(DNSFault) {
            let name = try reader.name()
            let type = try reader.number16()
            let kind = try reader.number16()
            return name == question.name && type == question.type.rawValue && kind == 1
        } catch { throw .stray }
    }

    private struct Header {
        let id: UInt16
        let isAnswer: Bool
        let isAuthoritative: Bool
        let isTruncated: Bool
        let recurses: Bool
        let code: UInt16
        let questions: UInt16
        let answers: UInt16

        init(_ reader: inout DNSReader) throws(DNSFault) {
            id = try reader.number16()
            let flags = try reader.number16()
            let isStandardQuery = flags >> 11 & 15 == 0
            isAnswer = flags & 0x8000 != 0 && isStandardQuery
            isAuthoritative = flags & 0x0400 != 0
            isTruncated = flags & 0x0200 != 0
            recurses = flags & 0x0080 != 0
            code = flags & 15
            questions = try reader.number16()
            answers = try reader.number16()
            try reader.skip(4)  // counts of the other sections
        }
    }

    /// The records of an answer section that matter: aliases, and addresses of the type that was asked for.
    private struct Records {
        private var aliases: [(owner: DomainName, target: DomainName, lifetime: UInt32)] = []
        private var addresses: [(owner: DomainName, address: Address, lifetime: UInt32)] = []

        init(_ reader: inout DNSReader, count: UInt16, type: RecordType) throws(DNSFault) {
            // The count may lie; a record has at least 11 bytes, so the message's own length bounds the loop.
            for _ in 0..<count {
                let owner = try reader.name()
                let recordType = try reader.number16()
                let recordClass = try reader.number16()
                let seconds = try reader.number32()
                let length = Int(try reader.number16())
                // RFC 2181, 8: a lifetime with its top bit set counts as 0.
                let lifetime = seconds >> 31 == 0 ? seconds : 0
                let end = reader.position + length
                switch recordType {
                case Answer.cname where recordClass == 1:
                    aliases.append((owner, try reader.name(), lifetime))
                case RecordType.a.rawValue where type == .a && recordClass == 1:
                    addresses.append((owner, Address(v4: try reader.number32()), lifetime))
                case RecordType.aaaa.rawValue where type == .aaaa && recordClass == 1:
                    let high = try reader.number64()
                    addresses.append((owner, Address(high: high, low: try reader.number64()), lifetime))
                default: try reader.skip(length)
                }
                guard reader.position == end else { throw .malformed }
            }
        }

        /// Follows aliases from the name that was asked for. Addresses of names that the chain doesn't reach don't count.
        func resolve(_ asked: DomainName) throws(DNSFault) -> Answer {
            var name = asked
            var lifetime = UInt32.max
            for _ in 0...Answer.mostAliases {
                var found: [Address] = []
                for record in addresses where record.owner == name && found.count < Answer.mostAddresses {
                    lifetime = min(lifetime, record.lifetime)
                    if !found.contains(record.address) { found.append(record.address) }
                }
                if !found.isEmpty { return .addresses(found, lifetime: lifetime) }
                guard let alias = aliases.first(where: { $0.owner == name }) else { return .nothing }
                lifetime = min(lifetime, alias.lifetime)
                name = alias.target
            }
            throw .malformed
        }
    }
}
