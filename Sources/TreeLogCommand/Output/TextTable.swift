/// Rows of text in aligned columns, two blanks apart.
struct TextTable {
    enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]] = []
    /// A column is not made wider than this for the sake of one long cell; such a cell pushes its row.
    private let maximumWidth: Int

    init(_ alignments: [Alignment], maximumWidth: Int = 60) {
        self.alignments = alignments
        self.maximumWidth = maximumWidth
    }

    var isEmpty: Bool { rows.isEmpty }

    mutating func append(_ cells: String...) { rows.append(cells) }

    /// The lines, without blanks at their ends.
    func lines(indentation: String = "") -> [String] {
        let widths = alignments.indices.map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.filter { $0 <= maximumWidth }.max() ?? 0
        }
        return rows.map { row in
            var line = indentation
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: max(0, widths[column] - cell.count))
                line += (column > 0 ? "  " : "")
                line += alignments[column] == .right ? padding + cell : cell + padding
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

extension TextTable {
    func print(to console: Console, indentation: String = "  ") {
        for line in lines(indentation: indentation) { console.line(line) }
    }
}

extension String {
    /// The text, or what fits of it and an ellipsis.
    func fitted(to columnCount: Int?) -> String {
        guard let columnCount, columnCount > 1, count > columnCount else { return self }
        return prefix(columnCount - 1) + "…"
    }
}
