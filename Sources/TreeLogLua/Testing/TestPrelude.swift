/// The part of the test API that is written in Lua: the objects that tests are given.
enum TestPrelude {
    static let source = """
        local host = treelog_test

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

        return { test = setmetatable({}, test) }
        """
}
