// A libFuzzer target for what the resolver reads: messages of name servers, and resolv.conf.
//
// The two files of the module Linux that are needed become a module of that name first:
//
//     swiftc -O -parse-as-library -wmo -sanitize=fuzzer,address -module-name Linux -emit-module -emit-object \
//         Sources/Linux/Address.swift Sources/Linux/AddressParser.swift -o Linux.o
//     swiftc -O -parse-as-library -sanitize=fuzzer,address -module-name FuzzDNS -I . \
//         Sources/Resolver/{DomainName,DNSReader,DNSMessage,HostText,ResolvConf}.swift \
//         Tests/Fuzz/FuzzDNS.swift Linux.o -o fuzz-dns
//     ./fuzz-dns -max_len=2048 Tests/Fuzz/corpus/dns

import Glibc
import Linux

/// Ends the run, with the input that led here, when `condition` does not hold.
private func require(_ condition: Bool, _ promise: StaticString) {
    if condition { return }
    // An optimised build drops the texts of preconditions, so the promise is written here.
    let text = "broken promise: \(promise)\n"
    _ = write(2, text, text.utf8.count)
    preconditionFailure()
}

/// Called by libFuzzer with one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDNS(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: data, count: size))
    guard let name = DomainName(Array("p.example".utf8)) else { return 0 }
    for type in RecordType.allCases {
        let question = Question(name: name, type: type)
        check(try? Answer.parse(input, id: 7, question: question))
        // The input as what follows a header and a question that are right, so that every input reaches the records.
        var message = question.encoded(id: 7)
        message[2] = 0x81
        message[3] = 0x80
        message[7] = UInt8(truncatingIfNeeded: size)
        check(try? Answer.parse(message + input, id: 7, question: question))
    }
    checkName(input)
    checkConfiguration(ResolvConf(input))
    return 0
}

private func check(_ answer: Answer?) {
    guard case .addresses(let addresses, _) = answer else { return }
    require(!addresses.isEmpty && addresses.count <= Answer.mostAddresses, "an answer has 1 to 16 addresses")
    require(Set(addresses).count == addresses.count, "no address comes twice")
}

/// A name that was read from text comes back from the wire as it was.
private func checkName(_ input: [UInt8]) {
    guard let name = DomainName(input) else { return }
    require(name.labels.count < DomainName.longestWire, "a name fits the wire")
    var reader = DNSReader(name.labels + [0])
    require((try? reader.name()) == name, "a name is read as it was written")
    require(reader.position == name.labels.count + 1, "a name is read whole")
}

private func checkConfiguration(_ configuration: ResolvConf) {
    require((1...ResolvConf.mostServers).contains(configuration.servers.count), "there are 1 to 3 servers")
    require(configuration.search.count <= ResolvConf.mostSuffixes, "the search list is bounded")
    require((0...15).contains(configuration.ndots), "ndots is bounded")
    require((1...30).contains(configuration.timeout), "the timeout is bounded")
    require((1...5).contains(configuration.attempts), "the attempts are bounded")
}
