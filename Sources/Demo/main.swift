import Glibc

signal(SIGPIPE, SIG_IGN)
let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == Child.becomeFlag { Child.becomeProgram(Array(arguments.dropFirst())) }

switch Options.parse(arguments) {
case .help:
    say(Options.help, to: STDOUT_FILENO)
case .mistakes(let mistakes):
    for mistake in mistakes { say("routing-sidecar-demo: \(mistake)\n", to: STDERR_FILENO) }
    exit(64)
case .run(let options):
    exit(Demo.run(options))
}
