//! What several tests share.

pub(crate) mod mix;
pub(crate) mod random;
pub(crate) mod volume;
