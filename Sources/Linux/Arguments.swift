import CLinux

/// The arguments of this program, from where the kernel put them: a walled-in process can't read /proc, where Swift's
/// `CommandLine` looks.
public enum Arguments {
    /// The arguments after the program's name.
    public static var all: [String] {
        var result: [String] = []
        var index: Int32 = 1
        while let text = cl_argument(index) {
            result.append(String(cString: text))
            index += 1
        }
        return result
    }
}
