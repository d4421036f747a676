//! Versions out of names and paths.

/// The longest dotted number in a file's name, the first of equals: `libruby-3.1.so.3.1.2` is
/// 3.1.2, `libpython3.11.so.1.0` is 3.11. `None` without a dot: `libnode.so.108` is no version.
pub fn in_name(name: &str) -> Option<&str> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let runs = name.split(|c: char| !is_part(c)).map(|run| run.trim_matches('.'));
    let dots = |run: &str| run.bytes().filter(|&byte| byte == b'.').count();
    let mut best: Option<&str> = None;
    for run in runs.filter(|run| dots(run) > 0) {
        if best.is_none_or(|best| dots(run) > dots(best)) {
            best = Some(run);
        }
    }
    best
}

/// The version in the closest folder whose name holds a whole one: `node-v20.11.0-linux-x64`,
/// `versions/3.11.7`.
pub fn in_folders(path: &str) -> Option<&str> {
    let (folders, _) = path.rsplit_once('/')?;
    folders.rsplit('/').find_map(|folder| in_name(folder).filter(|found| is_whole(found)))
}

/// What follows `before` in a folder's name, up to the end of that name: `erts-13.1.5`.
pub fn in_folder<'a>(path: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = path.split_once(before)?;
    let version = rest.split('/').next()?;
    version.starts_with(|c: char| c.is_ascii_digit()).then_some(version)
}

/// The digits, dots and what else versions are made of that a text begins with.
pub fn leading(bytes: &[u8]) -> Option<&str> {
    let end = bytes
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'a'..=b'z'))
        .unwrap_or(bytes.len());
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?.trim_end_matches(['.', '-', '+']);
    let is_version = text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('.');
    is_version.then_some(text)
}

/// True if the patch is there too.
pub fn is_whole(version: &str) -> bool {
    version.split('.').count() >= 3
}

#[cfg(test)]
mod tests {
    use super::{in_folder, in_folders, in_name, leading};

    #[test]
    fn names_and_paths_give_their_version() {
        let names = [
            ("python3.11", Some("3.11")),
            ("php-fpm8.2", Some("8.2")),
            ("libpython3.11.so.1.0", Some("3.11")),
            ("libruby-3.1.so.3.1.2", Some("3.1.2")),
            ("libruby.so.3.2.2", Some("3.2.2")),
            ("libperl.so.5.36.0", Some("5.36.0")),
            ("libnode.so.108", None),
            ("node", None),
            ("...", None),
            ("", None),
        ];
        for (name, expected) in names {
            assert_eq!(in_name(name), expected, "{name}");
        }
        let paths = [
            ("/opt/node-v20.11.0-linux-x64/bin/node", Some("20.11.0")),
            ("/root/.pyenv/versions/3.11.7/bin/python3.11", Some("3.11.7")),
            ("/root/.nvm/versions/node/v18.19.1/bin/node", Some("18.19.1")),
            ("/usr/lib/python3.11/x/1.2/python", None),
            ("/usr/bin/python3.11.2", None),
        ];
        for (path, expected) in paths {
            assert_eq!(in_folders(path), expected, "{path}");
        }
        let erts = "/usr/lib/erlang/erts-13.1.5/bin/beam.smp";
        assert_eq!(in_folder(erts, "/erts-"), Some("13.1.5"));
        let dotnet = "/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/libcoreclr.so";
        assert_eq!(in_folder(dotnet, "/Microsoft.NETCore.App/"), Some("8.0.1"));
        assert_eq!(in_folder("/erts-x/", "/erts-"), None);
    }

    #[test]
    fn a_text_begins_with_its_version() {
        let rows: [(&[u8], Option<&str>); 6] = [
            (b"8.2.7\0", Some("8.2.7")),
            (b"1.75.0 (82e1608df", Some("1.75.0")),
            (b"1.77.0-nightly (x", Some("1.77.0-nightly")),
            (b"3.", None),
            (b"abc", None),
            (b"", None),
        ];
        for (bytes, expected) in rows {
            assert_eq!(leading(bytes), expected);
        }
    }
}
