//! Copy on write, for the parts of a world that clones share.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A value that clones share until one of them writes to it.
///
/// A scenario clones worlds to compare them later, far more often than a run changes one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyOnWrite<T>(Arc<T>);

impl<T> From<T> for CopyOnWrite<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Deref for CopyOnWrite<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for CopyOnWrite<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_by_nobody_else() {
        let mut one = CopyOnWrite::from(vec![1]);
        let other = one.clone();
        assert!(Arc::ptr_eq(&one.0, &other.0));
        one.push(2);
        assert_eq!((&**one, &**other), (&[1, 2][..], &[1][..]));
    }
}
