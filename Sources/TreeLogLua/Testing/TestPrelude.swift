/// The part of the test API that is written in Lua: what compares, and the objects that tests are given.
enum TestPrelude {
    static let source = """
        local host = treelog_test

        local function show(value, depth)
          if type(value) == "string" then return ("%q"):format(value) end
          if type(value) ~= "table" or depth > 4 then return tostring(value) end
          local keys, parts = {}, {}
          for key in pairs(value) do keys[#keys + 1] = key end
          table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
          for _, key in ipairs(keys) do parts[#parts + 1] = tostring(key) .. " = " .. show(value[key], depth + 1) end
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

        local function expect(value, message)
          if not value then error(message and tostring(message) or "an expectation failed", 2) end
        end

        local function expect_equal(value, expected, message)
          if same(value, expected) then return end
          error(("%sgot %s, expected %s"):format(
            message and tostring(message) .. ": " or "", show(value, 0), show(expected, 0)), 2)
        end

        local volume = {}
        volume.__index = volume
        function volume:commit(item, inode, offset, value) host.commit(self.number, item, inode, offset, value) end
        function volume:log(item, inode, offset, value) host.log(self.number, item, inode, offset, value) end
        function volume:log_file(name, inode) host.log_file(self.number, name, inode) end
        function volume:replay(policy, options) return host.replay(self.number, policy, options) end
        function volume:get(item, inode, offset) return host.get(self.number, item, inode, offset) end
        function volume:ls(path) return host.ls(self.number, path) end
        function volume:walk(process, options) return host.walk(self.number, process, options) end

        local test = {}
        test.__index = test
        function test:encode(item, values) return host.encode(item, values) end
        function test:decode(item, bytes) return host.decode(item, bytes) end
        function test:describe(item, value, inode, offset) return host.describe(item, value, inode, offset) end
        function test:validate(item, value, inode, offset) return host.validate(item, value, inode, offset) end
        function test:resolve(item, logged, committed, inode, offset)
          return host.resolve(item, logged, committed, inode, offset)
        end
        function test:decide(policy, kind, conflict, options) return host.decide(policy, kind, conflict, options) end
        function test:volume() return setmetatable({ number = host.volume() }, volume) end

        return { expect = expect, expect_equal = expect_equal, test = setmetatable({}, test) }
        """
}
