import Glibc

signal(SIGPIPE, SIG_IGN)

switch Options.parse(Array(CommandLine.arguments.dropFirst())) {
case .help:
    print(Options.help, terminator: "")
case .mistakes(let mistakes):
    for mistake in mistakes { report(mistake) }
    report("see --help")
    exit(64)
case .run(let options):
    do {
        try Server.run(options)
    } catch {
        report("\(error)")
        exit(71)
    }
}
