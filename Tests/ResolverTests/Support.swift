import Linux

@testable import Resolver

/// The bytes of a text.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A name that must be valid.
func domain(_ text: String) -> DomainName { DomainName(bytes(text)) ?? DomainName(checkedLabels: [0xFF]) }

/// An address that must be valid.
func numeric(_ text: String) -> Address { Address.parse(text) ?? .any }

/// Writes messages as a server would, or as none should.
struct MessageWriter {
    var bytes: [UInt8] = []

    mutating func number16(_ value: Int) { bytes += [UInt8(value >> 8 & 255), UInt8(value & 255)] }

    mutating func number32(_ value: UInt32) {
        number16(Int(value >> 16))
        number16(Int(value & 0xFFFF))
    }

    /// `flags` without QR, which `header` always sets.
    mutating func header(id: UInt16 = 7, flags: Int = 0x0180, questions: Int = 1, answers: Int, others: Int = 0) {
        number16(Int(id))
        number16(0x8000 | flags)
        number16(questions)
        number16(answers)
        number16(others)
        number16(0)
    }

    mutating func name(_ text: String) {
        for label in text.split(separator: ".") {
            bytes.append(UInt8(label.utf8.count))
            bytes += Array(label.utf8)
        }
        bytes.append(0)
    }

    mutating func pointer(_ target: Int) { number16(0xC000 | target) }

    mutating func question(_ name: String, _ type: RecordType = .a, kind: Int = 1) {
        self.name(name)
        number16(Int(type.rawValue))
        number16(kind)
    }

    /// The fields between a record's name and its data.
    mutating func fields(type: Int, kind: Int = 1, lifetime: UInt32 = 60, length: Int) {
        number16(type)
        number16(kind)
        number32(lifetime)
        number16(length)
    }

    mutating func a(_ owner: String, _ text: String, lifetime: UInt32 = 60) {
        name(owner)
        fields(type: 1, lifetime: lifetime, length: 4)
        number32(numeric(text).v4)
    }

    mutating func aaaa(_ owner: String, _ text: String, lifetime: UInt32 = 60) {
        name(owner)
        fields(type: 28, lifetime: lifetime, length: 16)
        numeric(text).withBytes { bytes += Array(UnsafeBufferPointer(start: $0, count: 16)) }
    }

    mutating func cname(_ owner: String, _ target: String, lifetime: UInt32 = 60) {
        name(owner)
        var data = MessageWriter()
        data.name(target)
        fields(type: 5, lifetime: lifetime, length: data.bytes.count)
        bytes += data.bytes
    }
}
