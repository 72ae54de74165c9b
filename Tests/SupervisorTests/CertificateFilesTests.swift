import Glibc
import XCTest

@testable import Supervisor

/// Certificates as files: both of one kind however they are swapped, copied once, and changes noticed.
final class CertificateFilesTests: XCTestCase {
    private var folder = ""

    override func setUp() {
        var template = Array("/tmp/certificates-XXXXXX\0".utf8CString.dropLast())
        XCTAssertNotNil(mkdtemp(&template))
        folder = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    override func tearDown() { remove(folder) }

    private func remove(_ path: String) {
        if let directory = opendir(path) {
            var names: [String] = []
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != "." && name != ".." { names.append(name) }
            }
            closedir(directory)
            for name in names where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
            rmdir(path)
        }
    }

    private func write(_ text: String, to name: String) {
        let fd = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        XCTAssertGreaterThanOrEqual(fd, 0)
        let bytes = Array(text.utf8)
        XCTAssertEqual(Glibc.write(fd, bytes, bytes.count), bytes.count)
        close(fd)
    }

    private func text(of fd: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let n = pread(fd, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, n)), as: UTF8.self)
    }

    private func mistake(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "none"
        } catch let error as CertificateFiles.Mistake {
            return error.text
        } catch {
            return "\(error)"
        }
    }

    func testAPairIsReadAndItsKeyIsNot() throws {
        write("the chain", to: "tls.crt")
        write("the key", to: "tls.key")
        let pair = try CertificateFiles.pair(in: folder)
        XCTAssertEqual(text(of: pair.chain), "the chain")
        XCTAssertEqual(lseek(pair.key, 0, SEEK_CUR), 0, "nobody has read from it")
        XCTAssertEqual(text(of: pair.key), "the key")
        // What was read stays, whatever becomes of the file; and nobody can change it.
        write("another", to: "tls.crt")
        XCTAssertEqual(text(of: pair.chain), "the chain")
        XCTAssertEqual(pwrite(pair.chain, "x", 1, 0), -1)
    }

    func testBothComeFromOneSideOfAKubernetesSwap() throws {
        for generation in ["..1", "..2"] {
            XCTAssertEqual(mkdir("\(folder)/\(generation)", 0o700), 0)
            write("chain \(generation)", to: "\(generation)/tls.crt")
            write("key \(generation)", to: "\(generation)/tls.key")
        }
        XCTAssertEqual(symlink("..1", "\(folder)/..data"), 0)
        // A file beside the link is not what the link holds.
        write("stale", to: "tls.crt")
        XCTAssertEqual(symlink("..data/tls.key", "\(folder)/tls.key"), 0)
        let first = try CertificateFiles.pair(in: folder)
        XCTAssertEqual(text(of: first.chain), "chain ..1")
        XCTAssertEqual(symlink("..2", "\(folder)/..tmp"), 0)
        XCTAssertEqual(rename("\(folder)/..tmp", "\(folder)/..data"), 0)
        let second = try CertificateFiles.pair(in: folder)
        XCTAssertEqual(text(of: second.chain), "chain ..2")
        XCTAssertEqual(text(of: second.key), "key ..2")
    }

    func testWhatIsMissingIsNamed() {
        let folder = folder
        XCTAssertTrue(mistake { _ = try CertificateFiles.pair(in: "\(folder)/none") }.contains("none can't be opened"))
        XCTAssertTrue(mistake { _ = try CertificateFiles.pair(in: folder) }.hasPrefix("tls.crt can't be opened"))
        write("", to: "tls.crt")
        XCTAssertTrue(mistake { _ = try CertificateFiles.pair(in: folder) }.hasPrefix("tls.key can't be opened"))
        write("key", to: "tls.key")
        XCTAssertEqual(mistake { _ = try CertificateFiles.pair(in: folder) }, "tls.crt is empty")
        unlink("\(folder)/tls.crt")
        XCTAssertEqual(mkfifo("\(folder)/tls.crt", 0o600), 0)
        XCTAssertEqual(mistake { _ = try CertificateFiles.pair(in: folder) }, "tls.crt is no file", "nor does it wait")
        unlink("\(folder)/tls.crt")
        write(String(repeating: "x", count: (4 << 20) + 1), to: "tls.crt")
        XCTAssertEqual(mistake { _ = try CertificateFiles.pair(in: folder) }, "tls.crt is longer than 4 MiB")
    }

    /// tls.crt goes to the proxy as it is: a key in it would be in the process that reads clients' bytes.
    func testACertificateFileWithAPrivateKeyIsRefused() {
        let folder = folder
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
        func refusal(_ chain: String) -> String {
            write(chain, to: "tls.crt")
            return mistake { _ = try CertificateFiles.pair(in: folder) }
        }
        write("key", to: "tls.key")
        XCTAssertEqual(refusal(certificate), "none")
        XCTAssertEqual(refusal("the PRIVATE KEY is elsewhere\n" + certificate), "none", "a remark")
        for kind in ["", "RSA ", "EC ", "ENCRYPTED "] {
            let begin = "-----BEGIN \(kind)PRIVATE KEY-----"
            for chain in [certificate + begin, begin + "\n" + certificate, begin + "\nMIIB\n-----END"] {
                XCTAssertTrue(refusal(chain).hasPrefix("tls.crt holds a private key"), chain)
            }
        }
    }

    func testChangesAreNoticedOnceTheyHaveSettled() {
        write("1", to: "tls.crt")
        let file = "\(folder)/tls.crt"
        let late = "\(folder)/later/tls.crt"
        var watch = CertificateWatch(files: [file, late])
        XCTAssertGreaterThanOrEqual(watch.fd, 0)
        XCTAssertEqual(watch.changes(), [])
        write("two", to: "tls.crt")
        watch.noteEvents(now: 1000)
        XCTAssertEqual(watch.dueAt, 1100)
        watch.noteEvents(now: 1090)
        XCTAssertEqual(watch.dueAt, 1190, "put off while more comes")
        watch.noteEvents(now: 1390)
        XCTAssertEqual(watch.dueAt, 1400, "but not for ever")
        XCTAssertEqual(watch.changes(), [file])
        XCTAssertEqual(watch.dueAt, 0)
        XCTAssertEqual(watch.changes(), [])
        // A folder that wasn't there.
        XCTAssertEqual(mkdir("\(folder)/later", 0o700), 0)
        write("3", to: "later/tls.crt")
        XCTAssertEqual(watch.changes(), [late])
        // Who may read it counts as well.
        XCTAssertEqual(chmod(file, 0o644), 0)
        XCTAssertEqual(watch.changes(), [file])
        unlink(file)
        XCTAssertEqual(watch.changes(), [file])
    }
}
