import Glibc

/// Libraries that an executable asks for, read from its file (ELF, 64 bits, little endian).
enum Libraries {
    /// The C and C++ runtimes, which every process of the house needs. The same list as in scripts/check-structure.sh.
    static let runtime = [
        "libc", "libm", "libgcc_s", "libstdc++", "libpthread", "libdl", "ld-linux-x86-64", "ld-linux-aarch64",
    ]

    /// `/usr/lib/libc.so.6` is `libc`.
    static func stem(_ path: String) -> String {
        var name = path.split(separator: "/").last.map(String.init) ?? path
        if let dot = name.firstIndexOf(".so") { name = String(name[..<dot]) }
        return name
    }

    /// The names of DT_NEEDED; nil when the file can't be read or is none.
    static func needed(by path: String) -> [String]? {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        return ELFReader(fd: fd).needed()
    }
}

private struct ELFReader {
    let fd: Int32

    func bytes(_ offset: UInt64, _ count: Int) -> [UInt8]? {
        guard count >= 0, count <= 1 << 24, offset <= UInt64(Int.max) else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        let n = bytes.withUnsafeMutableBytes { pread(fd, $0.baseAddress, count, off_t(offset)) }
        return n == count ? bytes : nil
    }

    func number<T: FixedWidthInteger>(_ bytes: [UInt8], _ at: Int, _: T.Type) -> T? {
        guard at >= 0, at + MemoryLayout<T>.size <= bytes.count else { return nil }
        return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: T.self)) }
    }

    struct Segment {
        let type: UInt32
        let offset: UInt64
        let address: UInt64
        let size: UInt64
    }

    func needed() -> [String]? {
        guard let header = bytes(0, 64), header.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]),
            let table = number(header, 32, UInt64.self), let count = number(header, 56, UInt16.self)
        else { return nil }
        var segments: [Segment] = []
        for index in 0..<Int(count) {
            guard let raw = bytes(table + UInt64(index) * 56, 56), let type = number(raw, 0, UInt32.self),
                let offset = number(raw, 8, UInt64.self), let address = number(raw, 16, UInt64.self),
                let size = number(raw, 32, UInt64.self)
            else { return nil }
            segments.append(Segment(type: type, offset: offset, address: address, size: size))
        }
        // PT_DYNAMIC; without one the program is static.
        guard let dynamic = segments.first(where: { $0.type == 2 }) else { return [] }
        guard let entries = bytes(dynamic.offset, Int(clamping: dynamic.size)) else { return nil }
        var names: [UInt64] = []
        var strings: UInt64 = 0
        for at in stride(from: 0, to: entries.count - 15, by: 16) {
            guard let tag = number(entries, at, UInt64.self), let value = number(entries, at + 8, UInt64.self) else {
                return nil
            }
            if tag == 1 { names.append(value) }
            if tag == 5 { strings = value }
        }
        guard
            let home = segments.first(where: { $0.type == 1 && strings >= $0.address && strings - $0.address < $0.size }
            )
        else { return nil }
        let base = strings - home.address + home.offset
        return names.compactMap { name in
            guard base <= UInt64(Int64.max) - min(name, 1 << 32), name < 1 << 32 else { return nil }
            for length in [128, 32, 8] {
                guard let raw = bytes(base + name, length) else { continue }
                return String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            return nil
        }
    }
}

extension String {
    /// The first place of a piece of text.
    func firstIndexOf(_ piece: String) -> Index? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(piece) { return at }
            at = index(after: at)
        }
        return nil
    }
}
