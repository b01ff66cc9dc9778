import KernelOracle
import Testing

/// A comparison finds every field that differs, and nothing in equal documents. What is null
/// in the expected document, or masked, is not compared.
@Suite struct StateComparisonTests {
    static let text = """
        {"subvolumes":{
        "/":{"id":5,"readonly":false,
         "dirs":{".":[["a",257,"file"],["b",257,"file"],["d",258,"dir"]],"d":[]},
         "inodes":{
          "256":{"type":"dir","mtime":"1.000000000"},
          "257":{"type":"file","nlink":2,"ctime":null,"size":9007199254740992,
            "extents":[[0,4096,13631488,"shared"],[4096,4096,0,"inline"]],"xattrs":{"user.a":"00ff"}},
          "258":{"type":"dir"}
         }},
        "/s:1":{"id":256,"readonly":true,"dirs":{".":[]},"inodes":{"256":{"type":"dir","ctime":"2.5"}}}
        }}
        """

    func differences(
        replacing old: String, with new: String, masks: [StateComparison.Mask] = [], limit: Int = 20
    ) throws -> StateComparison.Differences {
        try #require(Self.text.contains(old))
        return StateComparison.compare(
            expected: try JSONValue(parsing: Self.text),
            actual: try JSONValue(parsing: Self.text.replacing(old, with: new)), masks: masks, limit: limit)
    }

    @Test func equalDocumentsHaveNoDifference() throws {
        let found = try differences(replacing: "null", with: "\"1.5\"")
        #expect(found.isEmpty, "\(found)")
    }

    @Test(arguments: [
        (#""nlink":2"#, #""nlink":1"#, "/ 257 nlink: expected 2 got 1"),
        ("9007199254740992", "9007199254740993",
            "/ 257 size: expected 9007199254740992 got 9007199254740993"),
        (#""readonly":true"#, #""readonly":false"#, "/s:1 readonly: expected true got false"),
        (#""readonly":false"#, #""readonly":0"#, "/ readonly: expected false got 0"),
        (#""00ff""#, #""00""#, #"/ 257 xattrs user.a: expected "00ff" got "00""#),
        (#""type":"dir","mtime":"1.000000000""#, #""type":"dir""#,
            #"/ 256 mtime: missing, expected "1.000000000""#),
        (#""ctime":null,"#, "", "/ 257 ctime: missing, expected null"),
        (#""nlink":2"#, #""nlink":2,"gen":7"#, "/ 257 gen: not expected, got 7"),
        (#""258":{"type":"dir"}"#, #""258":{"type":"dir"},"300":{}"#, "/ inodes 300: not expected, got {}"),
        (#"[4096,4096,0,"inline"]"#, #"[4096,4096,0,""]"#,
            #"/ 257 extents: expected [4096,4096,0,"inline"] got [4096,4096,0,""] as number 2 of 2/2"#),
        (#"["a",257,"file"],["b",257,"file"]"#, #"["b",257,"file"],["a",257,"file"]"#,
            #"/ dirs ., order: expected ["a",257,"file"] got ["b",257,"file"] as number 1 of 3/3"#),
        (#"["b",257,"file"],"#, "", #"/ dirs .: expected ["b",257,"file"], missing"#),
        (#""d":[]"#, #""d":[["x",300,"file"]]"#, #"/ dirs d: got ["x",300,"file"], not expected"#),
        (#","d":[]"#, "", "/ dirs d: missing, expected []"),
        (#"{"subvolumes""#, #"{"more":1,"subvolumes""#, "document more: not expected, got 1"),
    ])
    func oneChangeIsOneDifference(old: String, new: String, line: String) throws {
        #expect(try differences(replacing: old, with: new).lines == [line])
    }

    @Test func aNameTwiceInADirectoryIsADifference() throws {
        let entry = #"["b",257,"file"]"#
        let found = try differences(replacing: entry, with: entry + "," + entry)
        #expect(found.count == 1, "\(found)")
    }

    @Test func aMissingSubvolumeIsADifference() throws {
        let found = try differences(replacing: #""/s:1""#, with: #""/s2""#)
        #expect(found.count == 2, "\(found)")
    }

    @Test(arguments: ["/s:1:256:ctime", "*:256:ctime", "*:*:ctime", "/s:1:256:*"])
    func aMaskedFieldIsNotCompared(mask: String) throws {
        let masks = [try #require(StateComparison.Mask(mask))]
        #expect(try differences(replacing: #""2.5""#, with: #""3.5""#, masks: masks).isEmpty)
        #expect(try differences(replacing: #","ctime":"2.5""#, with: "", masks: masks).isEmpty)
    }

    @Test(arguments: ["/:256:ctime", "*:257:ctime", "*:*:mtime"] as [StateComparison.Mask])
    func otherMasksHideNothing(mask: StateComparison.Mask) throws {
        #expect(try differences(replacing: #""2.5""#, with: #""3.5""#, masks: [mask]).count == 1)
    }

    @Test func masksForLinkedFilesNameThoseOnly() throws {
        let document = try JSONValue(parsing: Self.text)
        #expect(StateComparison.Mask.changeTimesOfLinkedFiles(in: document) == ["/:257:ctime"])
    }

    @Test func allDifferencesAreCountedAndTheFirstAreTold() throws {
        let found = try differences(replacing: #""type":"dir""#, with: #""type":"file""#, limit: 2)
        #expect(found.count == 3)
        #expect(found.lines.count == 2)
        #expect(found.description.hasSuffix("… and 1 more"))
    }
}

/// Documents are read exactly or not at all.
@Suite struct JSONValueTests {
    @Test func valuesAreExact() throws {
        let text = #" {"a":[1,-9223372036854775808,true,false,null,"x\"\\\/\u0041\n"],"b":{},"c":[]} "#
        let value = try JSONValue(parsing: text)
        #expect(value["a"]?.elements == [
            .integer(1), .integer(.min), .boolean(true), .boolean(false), .null, .string("x\"\\/A\n"),
        ])
        #expect(try JSONValue(parsing: value.description) == value)
    }

    @Test(arguments: [
        "", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":1,}", "{\"a\":1,\"a\":1}", "1.5", "9223372036854775808",
        "\"x", "\"\\x\"", "\"\\u12\"", "nul", "[1] 2", "\"\u{1}\"", String(repeating: "[", count: 100),
    ])
    func whatIsNoDocumentIsAnError(text: String) {
        #expect(throws: OracleError.self) { try JSONValue(parsing: text) }
    }

    @Test func bytesThatAreNoUTF8AreAnError() {
        #expect(throws: OracleError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    }
}
