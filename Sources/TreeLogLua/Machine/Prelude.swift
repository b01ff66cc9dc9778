/// The part of the API that is written in Lua: what returns something that can be called or formats its arguments.
///
/// It is a chunk that returns a table of functions, and runs before the plugin.
enum Prelude {
    /// The mark in front keeps its lines out of messages: they name the line of the plugin.
    static let name = "=treelog"
    static let source = """
        local host, words = treelog_host, { "\(APITable.fieldWords.joined(separator: "\", \""))" }
        local prelude = { fields = {}, methods = {} }

        -- u64 "name" and u64 "name" { names = … }
        local field = {}
        function field.__call(self, options)
          self.options = options == nil and false or options
          return self
        end
        for _, word in ipairs(words) do
          prelude.fields[word] = function(name)
            return setmetatable({ type = word, name = name, place = host.place(1) }, field)
          end
        end
        function prelude.fields.key(objectid, kind, offset)
          if type(objectid) == "string" and kind == nil then
            return setmetatable({ type = "key", name = objectid, place = host.place(1) }, field)
          end
          return host.make_key(objectid, kind, offset)
        end

        -- item types
        function prelude.methods.encode(self, values) return host.encode(self.__treelog, values) end
        function prelude.methods.decode(self, bytes) return host.decode(self.__treelog, bytes) end
        function prelude.methods.key(self, objectid, offset) return host.make_key(objectid, self.kind, offset) end

        -- lines for the report
        local function text(format, ...)
          if select("#", ...) == 0 then return tostring(format) end
          return string.format(format, ...)
        end
        function prelude.note(...) return host.message("note", text(...)) end
        function prelude.warn(...) return host.message("warning", text(...)) end

        function prelude.same(value) return value end
        return prelude
        """
}
