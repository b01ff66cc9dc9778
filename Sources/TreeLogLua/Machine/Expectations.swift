internal import LuaRuntime

/// What a script expected and did not find.
struct ExpectationFailure: Error, CustomStringConvertible {
    let description: String
}

/// `treelog.expect` and what else compares, for tests and workloads.
enum Expectations {
    /// Gives scripts the functions.
    ///
    /// - Parameter errorCode: gives the code of a file system's error by the message that the script caught.
    static func define(in vm: LuaVM, errorCode: @escaping (String) -> String? = { _ in nil }) throws {
        try vm.define("treelog_expectations.fail") { throw ExpectationFailure(description: try $0.text(0)) }
        try vm.define("treelog_expectations.error_code") { errorCode(try $0.text(0)).map { .text($0) } ?? .nil }
        // The mark in front of the name has messages tell the line of the script.
        let chunk = try vm.load(Array(source.utf8), name: "=treelog")
        guard case .table(let table) = try vm.call(chunk) else { return }
        for entry in table.entries {
            if let name = entry.key.text { try vm.define("treelog.\(name)", value: entry.value) }
        }
        try vm.define("treelog_expectations", value: .nil)
    }

    private static let source = """
        local host = treelog_expectations

        local function quote(text)
          return '"' .. text:gsub('[^\\32-\\126]', function(c) return ("\\\\x%02x"):format(c:byte()) end) .. '"'
        end

        local function show(value, depth)
          if type(value) == "string" then
            if #value <= 80 then return quote(value) end
            return ("%s… (%d bytes)"):format(quote(value:sub(1, 60)), #value)
          end
          if type(value) ~= "table" or depth > 4 then return tostring(value) end
          local keys, parts = {}, {}
          for key in pairs(value) do keys[#keys + 1] = key end
          table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
          for _, key in ipairs(keys) do
            local name = math.type(key) == "integer" and key <= #value and "" or tostring(key) .. " = "
            parts[#parts + 1] = name .. show(value[key], depth + 1)
          end
          return "{ " .. table.concat(parts, ", ") .. " }"
        end

        local function same(a, b)
          if type(a) ~= "table" or type(b) ~= "table" then return a == b end
          for key, value in pairs(a) do
            if not same(value, b[key]) then return false end
          end
          for key in pairs(b) do
            if a[key] == nil then return false end
          end
          return true
        end

        -- Of long strings the part that differs, with its place.
        local function difference(value, expected)
          if type(value) ~= "string" or type(expected) ~= "string" or #value + #expected < 120 then
            return ("got %s, expected %s"):format(show(value, 0), show(expected, 0))
          end
          local low, high = 0, math.min(#value, #expected)
          while low < high do
            local middle = (low + high + 1) // 2
            if value:sub(1, middle) == expected:sub(1, middle) then low = middle else high = middle - 1 end
          end
          local function part(text) return quote(text:sub(low + 1, low + 24)) end
          return ("got %d bytes, expected %d; from byte %d on got %s, expected %s"):format(
            #value, #expected, low, part(value), part(expected))
        end

        local module = {}

        function module.expect(value, message)
          if not value then host.fail(message and tostring(message) or "an expectation failed") end
        end

        function module.expect_equal(value, expected, message)
          if same(value, expected) then return end
          host.fail((message and tostring(message) .. ": " or "") .. difference(value, expected))
        end

        function module.expect_error(code, body, ...)
          local done, message = pcall(body, ...)
          if done then host.fail(("got no error, expected %s"):format(code)) end
          local found = host.error_code(tostring(message))
          if not found then error(message, 0) end
          if found ~= code then host.fail(("got %s (%s), expected %s"):format(found, message, code)) end
          return message
        end

        module["try"] = function(body, ...)
          local results = table.pack(pcall(body, ...))
          if results[1] then return true, table.unpack(results, 2, results.n) end
          local code = host.error_code(tostring(results[2]))
          if not code then error(results[2], 0) end
          return false, code
        end

        return module
        """
}
