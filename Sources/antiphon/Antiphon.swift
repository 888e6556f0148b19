import ArgumentParser

@main
struct Antiphon: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "antiphon",
    abstract: "A full-duplex speech runtime: it listens and speaks at the same time.")
}
