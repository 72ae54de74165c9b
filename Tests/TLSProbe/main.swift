import Glibc
import Linux
import TLS
import TLSLocalKey

// A server and a client made of the TLS library and the signer alone, for the tests in Tests/TLS. Not part of an
// installation.
signal(SIGPIPE, SIG_IGN)
let options = Options(Arguments.all)
if options.watchStacks && local_stacks_watch() != 1 { fail("the stacks can't be watched") }
guard TLS.start(), TLS.startThread() else { fail("TLS can't be started") }
do {
    switch options.command {
    case "serve": try Server(options).run()
    case "load": try Load(options).run()
    default: fail("serve or load")
    }
} catch {
    fail("\(error)")
}
