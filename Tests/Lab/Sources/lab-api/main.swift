import LabAPI

await LabAPICommand.main(Array(CommandLine.arguments.dropFirst()))
