import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing

/// The state document of a volume is what the kernel shows of the same volume when it is mounted.
@Suite struct NamespaceStateTests {
    /// Everything that a volume can hold, made by the kernel: links and odd names, all kinds of extents, all
    /// compressions, clones, snapshots of snapshots.
    private static let script = #"""
        set -e
        umask 022; mkdir made; cd made; TOP=$PWD
        text() { yes "the quick brown fox $1" | head -c $2; }
        mkdir -p a/b/c deep 'odd "names" \ %'; cd a
        text 1 70000 > plain; text 2 200 > small; : > empty
        for method in zlib lzo zstd; do
            for size in 300 2000 4096 5000 131072 300001 1200000; do
                : > $method.$size; btrfs property set $method.$size compression $method
                text $method $size > $method.$size
            done
            cp --reflink=never $method.1200000 $method.cut
            btrfs property set $method.cut compression $method
            text again 1200000 > $method.cut; sync -f .
            dd if=/dev/urandom of=$method.cut bs=4096 seek=40 count=3 conv=notrunc 2>/dev/null
            fallocate -p -o 500000 -l 90000 $method.cut
            truncate -s 1000003 $method.cut
        done
        dd if=/dev/urandom of=random bs=4096 count=500 2>/dev/null
        cp --reflink=always random clone; cp --reflink=always random gone; rm gone
        dd if=/dev/urandom of=clone bs=4096 seek=100 count=7 conv=notrunc 2>/dev/null
        cp --reflink=always zstd.1200000 zstd.clone
        fallocate -l 300000 reserved; cp plain small.reserved; fallocate -n -l 500000 small.reserved
        dd if=/dev/urandom of=reserved bs=4096 seek=5 count=4 conv=notrunc 2>/dev/null
        truncate -s 3000000000000 sparse
        dd if=/dev/urandom of=sparse bs=4096 seek=70000 count=9 conv=notrunc 2>/dev/null
        ln plain b/hard; ln -s ../a/small b/soft; ln -s /nowhere/'%' b/c/'soft two'
        mkfifo fifo; mknod null c 1 3; mknod disk b 259 70000
        touch -d @-5.5 old; chmod 7755 old; chown 5:6 old
        cd '../odd "names" \ %'; touch "$(printf 'line\nbreak')" "$(printf '\303\244\377')" -- '-'
        touch 'x"y' 'back\slash' '~'
        cd ../deep; i=0; while [ $i -lt 40 ]; do mkdir d$i; cd d$i; i=$((i+1)); done; cd "$TOP"
        i=0; while [ $i -lt 300 ]; do ln a/plain a/b/link-with-a-rather-long-name-$i; i=$((i+1)); done
        mkdir many; i=0; while [ $i -lt 1500 ]; do echo $i > many/file$i; i=$((i+1)); done; rm many/file7*
        for flag in S i a d A c D; do
            touch a/flag.$flag; chattr +$flag a/flag.$flag 2>/dev/null || true
        done
        mkdir nocow; chattr +C nocow; text 3 50000 > nocow/file
        setfattr -n user.zwei -v 2 a/plain; setfattr -n user.eins -v '' a/plain
        setfattr -n user.long -v $(text x 3000 | tr -d ' \n' | head -c 2500) a/b
        btrfs subvolume create sub >/dev/null; cp -r --reflink=always a/random a/lzo.cut many sub/
        btrfs subvolume create sub/inner >/dev/null; text 4 9000 > sub/inner/file
        sync -f .
        btrfs subvolume snapshot sub snap >/dev/null; btrfs subvolume snapshot -r .. sub/top >/dev/null
        dd if=/dev/urandom of=snap/random bs=4096 seek=3 count=2 conv=notrunc 2>/dev/null
        rm snap/many/file1*; echo more >> sub/many/file2; btrfs subvolume snapshot snap snap/again >/dev/null
        echo x > snap/again/new; chattr -i a/flag.i 2>/dev/null || true
        """#

    /// The images are of file systems with different features; what the images hold stays in.
    @Test(
        .enabled(if: HostKernel.isAvailable, "images cannot be mounted here"),
        arguments: [
            "create_fsync", "mix_a.n4096", "mix_a.holes", "mix_a.mixed", "mix_a.sha256", "mix_a.all-old",
            "mix_a.quota", "snapshot_shared_tree_blocks",
        ])
    func documentIsWhatTheKernelShows(image: String) throws {
        let folder = try TemporaryFolder()
        let paths = try Corpus.image(named: image).writeImages(to: folder.path)
        let expected = try HostKernel.mount(images: paths, log: .replayedByKernel) { mountPoint in
            #expect(try Shell.run(Self.script, in: mountPoint) == 0)
            try HostKernel.sync(mountPoint)
            return try MountedState.collect(mountPoint: mountPoint)
        }
        let actual = try Self.document(of: paths)
        let differences = StateComparison.compare(expected: expected, actual: try JSONValue(parsing: actual))
        #expect(differences.isEmpty, "\(differences)")
    }

    /// After the kernel's replay the document of an image is byte for byte the expected one of the corpus.
    @Test(
        .enabled(if: HostKernel.isAvailable, "images cannot be mounted here"),
        arguments: Corpus.images.filter { $0.notCompared.isEmpty })
    func documentIsByteForByteThatOfTheCorpus(image: CorpusImage) throws {
        let folder = try TemporaryFolder()
        let paths = try image.writeImages(to: folder.path)
        try HostKernel.mount(images: paths, log: .replayedByKernel) { _ in }
        let expected = try Fixtures.bytes(of: Fixtures.folder + "/corpus/\(image.name).expected.json")
        #expect(try Self.document(of: paths) == expected)
    }

    /// The trees of a transaction that has settled show what the volume shows after its commit.
    @Test(arguments: [
        "snapshot_shared_extents", "snapshot_reflink_across", "snapshot_shared_tree_blocks", "reflink_many",
        "mix_a.default", "mix_a.n4096", "mix_a.quota",
    ])
    func documentOfATransactionIsThatAfterItsCommit(image: String) throws {
        let volume = try Volume(opening: try Corpus.image(named: image).load())
        let transaction = try Transaction(on: volume)
        for subvolume in try volume.subvolumes() {
            let committed = Namespace(try #require(try volume.tree(subvolume)))
            let tree = try #require(try transaction.tree(subvolume))
            try Self.change(Namespace(tree, in: transaction), readingFrom: committed)
        }
        try transaction.settle()
        var before = ByteCollector(limit: 1 << 26)
        let files = VolumeFiles(volume) { (id: ObjectID) throws(VolumeError) in try transaction.tree(id) }
        try VolumeState(files).write(to: &before)
        try transaction.commit()
        var after = ByteCollector(limit: 1 << 26)
        try VolumeState(VolumeFiles(volume)).write(to: &after)
        let texts = [before.bytes, after.bytes].map { String(decoding: $0, as: UTF8.self) }
        #expect(texts[0] == texts[1])
    }

    /// Cuts a hole into every file and gives it another name.
    private static func change(_ namespace: Namespace, readingFrom committed: Namespace) throws {
        let cursor = committed.tree.makeCursor()
        try cursor.seek(Key(.firstFree, .inodeItem, 0))
        while cursor.isValid {
            let inode = cursor.key.objectID
            if cursor.key.type == .inodeItem, try InodeItem(cursor.data).isRegularFile {
                let dropped = try namespace.dropExtents(of: inode, from: 4096, to: 12288)
                let name = Array("inode \(inode)".utf8)
                let result = try namespace.addLink(
                    name.rawSpan, at: inode.rawValue + 1_000_000, to: inode, type: .regularFile,
                    in: .firstFree, backReference: .add)
                #expect(result == .added)
                try namespace.updateInode(inode) {
                    $0.nlink += 1
                    $0.nbytes -= dropped
                }
            }
            if try !cursor.next() { break }
        }
    }

    static func document(of paths: [String]) throws -> [UInt8] {
        var devices: [any BlockDevice] = []
        for path in paths { devices.append(try FileDevice(path: path, access: .readOnly)) }
        let volume = try Volume(opening: devices)
        var collector = ByteCollector(limit: 1 << 26)
        try VolumeState(VolumeFiles(volume)).write(to: &collector)
        return collector.bytes
    }
}
