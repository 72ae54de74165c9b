import Glibc

extension String {
    /// The first place of a piece of text; the standard library has it only with Foundation.
    func range(of piece: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(piece) { return start..<index(start, offsetBy: piece.count) }
            start = index(after: start)
        }
        return nil
    }
}

func processID() -> Int32 { getpid() }
