import Testing

/// All end-to-end tests, one after the other: they share the lab and its faults.
@Suite(.serialized) enum InLab {}
