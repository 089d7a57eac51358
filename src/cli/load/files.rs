//! How many files this process may have open: the limit is raised as far as the system lets it, for itself and the
//! router that it starts (getrlimit(2), RLIMIT_NOFILE).

use super::options::Options;
use crate::cli::CommandError;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files beside the streams: links, gRPC, logs, the runtime.
const OTHERS: u64 = 64;

/// Makes sure that there can be as many open files as the test needs.
///
/// # Errors
/// When the system does not allow as many.
pub(super) fn allow(options: &Options) -> Result<(), CommandError> {
    let needed = needed(options);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let allows = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if allows(current) {
        return Ok(());
    }
    if allows(maximum) && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok() {
        return Ok(());
    }
    let [current, maximum] = [current, maximum].map(|limit| limit.map_or("any".to_owned(), |limit| limit.to_string()));
    let streams = options.streams();
    Err(CommandError::Usage(format!(
        "{streams} event streams need {needed} open files, and {current} are allowed, {maximum} at most: raise the hard \
         limit (`ulimit -Hn {needed}`), or publish the events (--publish)"
    )))
}

/// A stream is one file at each end; router and sources are processes of their own.
fn needed(options: &Options) -> u64 {
    u64::from(options.streams()) + OTHERS + u64::from(options.links)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::load::options::tests::typed;

    #[test]
    fn only_streams_and_links_need_files() {
        assert_eq!(needed(&typed(&["--sources", "500", "--links", "2"]).unwrap()), 566);
        assert_eq!(needed(&typed(&["--sources", "500", "--publish"]).unwrap()), 65);
    }
}
