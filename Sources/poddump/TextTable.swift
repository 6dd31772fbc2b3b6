/// A table as kubectl prints them: columns in capitals, three blanks between, no lines.
struct TextTable {
  private var rows: [[String]]

  init(_ heading: [String]) { rows = [heading] }

  /// Adds a row. A cell is one line, whatever the cluster put into it.
  mutating func add(_ row: [String]) {
    rows.append(row.map { $0.replacing("\n", with: " ") })
  }

  /// The table as text, a line per row; the last column is not padded.
  var text: String {
    var widths = [Int](repeating: 0, count: rows[0].count)
    for row in rows {
      for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) }
    }
    var text = ""
    for row in rows {
      for (column, cell) in row.enumerated() {
        text += cell
        if column < row.count - 1 {
          text += String(repeating: " ", count: widths[column] - cell.count + 3)
        }
      }
      text += "\n"
    }
    return text
  }
}
