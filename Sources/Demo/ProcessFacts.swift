import Glibc

/// The memory of a process as text: PSS, or with a `~` the resident set where PSS is not for us to read.
///
/// The sidecar's processes forbid inspection; only root may read their smaps.
func memory(of pid: Int) -> String {
    if let kibibytes = field("Pss:", of: "/proc/\(pid)/smaps_rollup") { return mebibytes(kibibytes) }
    if let kibibytes = field("VmRSS:", of: "/proc/\(pid)/status") { return "~" + mebibytes(kibibytes) }
    return "–"
}

/// True for a process that has not ended; one that nobody has waited for yet has no memory any more.
func isRunning(_ pid: Int) -> Bool {
    field("VmRSS:", of: "/proc/\(pid)/status") != nil
}

private func mebibytes(_ kibibytes: Int) -> String {
    "\(decimal(Double(kibibytes) / 1024)) MiB"
}

private func field(_ name: String, of path: String) -> Int? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    while fgets(&line, Int32(line.count), file) != nil {
        let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            .split { $0 == " " || $0 == "\t" || $0 == "\n" }
        if words.count > 1, words[0] == name { return Int(words[1]) }
    }
    return nil
}
