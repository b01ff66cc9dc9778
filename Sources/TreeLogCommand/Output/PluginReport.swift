internal import TreeLog

// What a report says of the plugins that took part.

extension Console {
    /// Warnings go to standard error, as all warnings do.
    func write(_ plugin: ExtensionReport) {
        let scripts = plugin.scripts.map { "\($0.path) \($0.sha256)" }.joined(separator: ", ")
        line("plugin \(plugin.name) \(plugin.version): \(scripts)")
        for message in plugin.messages {
            let place = message.place == LogPlace() ? "" : " (\(message.place))"
            switch message.level {
            case .note: line("  \(message.text)\(place)")
            case .warning: complain("plugin \(plugin.name): \(message.text)\(place)")
            }
        }
    }
}

extension JSONWriter {
    func write(_ plugin: ExtensionReport) {
        object {
            field("name", plugin.name)
            field("version", plugin.version)
            array("scripts") {
                for script in plugin.scripts {
                    object {
                        field("path", script.path)
                        field("sha256", script.sha256)
                    }
                }
            }
            array("messages") {
                for message in plugin.messages {
                    object {
                        field("level", message.level.rawValue)
                        field("text", message.text)
                        field("place", message.place)
                    }
                }
            }
        }
    }
}
