// Results of a run that succeeded are kept until another one does. They are kept as second names (hard links) of the
// files, which take no space: a file that is published over another one is a new file.

/** Where those of a run are kept. */
def keptFolder(outdir, earlier) {
    return outdir.resolve("pipeline_info/.earlier-${earlier.run_name}")
}

/**
 * Keep the results of a run, by its manifest; gives where, or null where the file system has no hard links.
 *
 * Where they are kept already, a run was killed after it: what lies there now may be that run's.
 */
def keepEarlier(outdir, earlier) {
    def kept = keptFolder(outdir, earlier)
    kept.parent.eachFileMatch(~/\.earlier-.*/) { folder ->
        if (folder != kept) {
            removeFolder(folder)
        }
    }
    if (isThere(kept)) {
        return kept
    }
    def part = partOf(kept)
    def entries = earlier.files
    def paths = entries.collect { entry -> ownPath(outdir, outdir.resolve(entry.path)) }.unique().findAll { path -> isThere(path) }
    paths.collect { path -> part.resolve(outdir.relativize(path)).parent }.unique().each { folder -> java.nio.file.Files.createDirectories(folder) }
    try {
        paths.parallelStream().forEach { path -> java.nio.file.Files.createLink(part.resolve(outdir.relativize(path)), path) }
    }
    catch (UnsupportedOperationException | java.nio.file.FileSystemException | UncheckedIOException _no_links) {
        removeFolder(part)
        return null
    }
    java.nio.file.Files.createDirectories(part)
    java.nio.file.Files.move(part, kept)
    return kept
}

/**
 * Put back what is kept; gives the paths, below the results, of all that is as it was.
 *
 * It may be begun again where it was killed: a name is made anew, none is moved.
 */
def putBack(outdir, kept) {
    def found = linksBelow(kept)
    found.each { path ->
        def place = outdir.resolve(kept.relativize(path))
        if (!isSame(path, place)) {
            java.nio.file.Files.createDirectories(place.parent)
            def part = place.resolveSibling(".${place.fileName}.part")
            java.nio.file.Files.deleteIfExists(part)
            java.nio.file.Files.createLink(part, path)
            java.nio.file.Files.move(part, place, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
        }
    }
    return found.collect { path -> kept.relativize(path).toString() } as Set
}

/** Keep them no longer. */
def dropEarlier(kept) {
    // under another name first: what is half removed is not the results
    java.nio.file.Files.move(kept, partOf(kept))
    removeFolder(partOf(kept))
    return null
}

def partOf(kept) {
    return kept.resolveSibling("${kept.fileName}.part")
}

/** A path in the results, or the folder above it that is a link to elsewhere: what was published is the link. */
def ownPath(outdir, path) {
    return above(path, outdir).reverse().find { folder -> java.nio.file.Files.isSymbolicLink(folder) } ?: path
}

/** A folder and those above it, as far as below another. */
def above(folder, top) {
    return folder == top || !folder.startsWith(top) ? [] : [folder] + above(folder.parent, top)
}

/** Whether there is anything of this name, be it a link that leads nowhere. */
def isThere(path) {
    return java.nio.file.Files.exists(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)
}

/** Whether two names are of one file; of two links, whether they are one. */
def isSame(one, other) {
    return isThere(other) && keyOf(one) == keyOf(other)
}

def keyOf(path) {
    return java.nio.file.Files.readAttributes(path, java.nio.file.attribute.BasicFileAttributes, java.nio.file.LinkOption.NOFOLLOW_LINKS).fileKey()
}

/** Files and links below a folder; links are not followed. */
def linksBelow(folder) {
    def walk = java.nio.file.Files.walk(folder)
    def found = walk.collect(java.util.stream.Collectors.toList()).findAll { path -> !java.nio.file.Files.isDirectory(path, java.nio.file.LinkOption.NOFOLLOW_LINKS) }
    walk.close()
    return found
}

/** Remove a folder with all that is in it; links are not followed. */
def removeFolder(folder) {
    if (isThere(folder)) {
        def walk = java.nio.file.Files.walk(folder)
        walk.sorted(Comparator.reverseOrder()).forEach { path -> java.nio.file.Files.delete(path) }
        walk.close()
    }
    return null
}
