/// What POSIX calls the ways in which an operation on files fails.
public enum Errno: String, Error, Sendable, CaseIterable {
    /// The inode is protected, or the thing is never allowed.
    case notPermitted = "EPERM"
    /// There is no such name.
    case noEntry = "ENOENT"
    /// A device failed, or what is on it is damaged.
    case inputOutput = "EIO"
    /// An argument is larger than it may be.
    case tooBig = "E2BIG"
    /// The open file was closed, or the volume unmounted.
    case badFile = "EBADF"
    /// What is there does not allow it.
    case accessDenied = "EACCES"
    /// It is in use.
    case busy = "EBUSY"
    /// The name is there already.
    case exists = "EEXIST"
    /// The two are not in one subvolume, or one of them is a subvolume.
    case crossDevice = "EXDEV"
    /// A part of the path is no directory.
    case notDirectory = "ENOTDIR"
    /// It is a directory, and must not be.
    case isDirectory = "EISDIR"
    /// An argument makes no sense.
    case invalid = "EINVAL"
    /// The file would be larger than a file can be.
    case fileTooLarge = "EFBIG"
    /// The volume is full.
    case noSpace = "ENOSPC"
    /// There are no positions in such a file.
    case illegalSeek = "ESPIPE"
    /// The volume, its mount or the subvolume is read-only.
    case readOnly = "EROFS"
    /// The inode has as many names as it can have.
    case tooManyLinks = "EMLINK"
    /// The name of an attribute is empty or too long.
    case range = "ERANGE"
    /// A name has more than 255 bytes, or a path too many.
    case nameTooLong = "ENAMETOOLONG"
    /// The directory has names in it.
    case notEmpty = "ENOTEMPTY"
    /// Too many symbolic links on the way.
    case loop = "ELOOP"
    /// There is no such attribute.
    case noData = "ENODATA"
    /// The names with one hash fill an item.
    case overflow = "EOVERFLOW"
    /// This kind of file does not do that.
    case notSupported = "EOPNOTSUPP"
    /// The volume is damaged.
    case needsCleaning = "EUCLEAN"
}
