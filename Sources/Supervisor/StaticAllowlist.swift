import Allowlist
import Configuration
import Linux

/// A fixed allowlist: from the flag or from a file.
enum StaticAllowlist {
    /// Why it can't be used, in words for the log.
    struct Mistake: Error {
        let text: String
    }

    /// The longest file.
    private static let longestFile = 4 << 20

    /// The entries that the settings name.
    static func entries(_ settings: Settings) throws(Mistake) -> [Endpoint] {
        let targets: [AllowedTarget]
        if settings.allowFile.isEmpty {
            targets = settings.allow
        } else {
            guard let text = Files.text(settings.allowFile, limit: longestFile) else {
                throw Mistake(
                    text: "--allow-file=\(settings.allowFile) can't be read; the last allowlist stays in force")
            }
            guard text.utf8.count < longestFile else {
                throw Mistake(
                    text: "--allow-file=\(settings.allowFile) is longer than \(longestFile >> 20) MiB; the last"
                        + " allowlist stays in force")
            }
            do throws(AllowListMistake) {
                targets = try parseAllowFile(text)
            } catch {
                throw Mistake(
                    text: "--allow-file=\(settings.allowFile), \(error.text); the last allowlist stays in force")
            }
        }
        return targets.map { target in
            Endpoint(target.address.bytes.withUnsafeBytes { Address(bytes: $0) }, target.port)
        }
    }

    /// Writes the snapshot; the descriptor is the caller's.
    static func seal(_ builder: inout SnapshotBuilder) throws(Mistake) -> Int32 {
        do throws(SnapshotBuilder.Failure) {
            return try builder.seal()
        } catch {
            throw Mistake(text: "the allowlist can't be put in force: \(error); the last one stays")
        }
    }
}
