/// The lines and fields of the host's own files. They are small, trusted more than a message and written by hand, so a
/// line that makes no sense is passed over, as every other reader of these files does.
enum HostText {
    /// Calls `body` with the fields of each line that has any. Comments start with one of `comment`: anywhere when
    /// `inline`, else only where a line starts.
    static func forEachLine(
        of text: [UInt8], comment: [UInt8], inline: Bool, _ body: ([ArraySlice<UInt8>]) -> Void
    ) {
        for line in text.split(separator: UInt8(ascii: "\n")) {
            var content = line
            if let mark = line.firstIndex(where: comment.contains), inline || mark == line.startIndex {
                content = line[..<mark]
            }
            let fields = content.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            if !fields.isEmpty { body(fields) }
        }
    }
}

extension ArraySlice<UInt8> {
    /// Is it exactly this word?
    func spells(_ word: StaticString) -> Bool {
        elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    /// The bytes as text.
    var text: String { String(decoding: self, as: UTF8.self) }
}
