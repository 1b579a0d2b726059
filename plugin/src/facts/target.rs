//! One scalar of a manifest, and what it should hold.

use crate::image::ImageReference;
use crate::settings::Part;
use crate::yaml::{self, ScalarAddress, ScalarSite, YamlStream};

/// One scalar of one file, and what it should hold.
#[derive(Clone, Debug)]
pub struct DeployTarget {
    /// Index into [`super::Facts::files`].
    pub file: usize,
    /// Its address in the file.
    pub address: ScalarAddress,
    /// Its name for people.
    pub shown: String,
    /// Which part of the image's reference it holds.
    pub part: Part,
    /// Its place in the text, and its value.
    pub site: ScalarSite,
    /// The image that it holds, as far as it says so.
    pub held: Option<ImageReference>,
    /// The value that it should hold.
    pub wanted: String,
}

impl DeployTarget {
    /// Whether the manifest holds the image already, as text that no reader takes for a number.
    pub fn is_current(&self) -> bool {
        self.site.value == self.wanted && self.site.is_text
    }

    /// Finds the scalar in another version of its file.
    ///
    /// # Errors
    /// As [`yaml::find()`].
    pub fn find(&self, content: &str) -> Result<ScalarSite, String> {
        yaml::find(&YamlStream::read(content)?, &self.address)
    }
}
