//! The edit, and its proof.

use saphyr_parser::ScalarStyle;

use super::node::{NodeKind, YamlNode, YamlStream};
use super::quote;
use super::site::ScalarSite;

/// Replaces one scalar; all other bytes stay as they are.
///
/// # Errors
/// Says so if the result, read again by both readers, would differ in anything but that scalar, or would be read differently
/// by them: nothing may be written then.
pub fn replace(text: &str, site: &ScalarSite, value: &str) -> Result<String, String> {
    let is_block = matches!(site.style, ScalarStyle::Literal | ScalarStyle::Folded);
    if is_block && !quote::is_block_line(value) {
        return Err(format!(
            "`{}` cannot stand in the block scalar at {}: write the value on one line first",
            value.escape_debug(),
            site.place
        ));
    }
    let written = quote::write(value, site.style, site.flow);
    let edited = [&text[..site.bytes.start], &written, &text[site.bytes.end..]].concat();
    prove(text, &edited, site, value)
        .map_err(|what| format!("the change at {} cannot be made safely: {what}", site.place))?;
    Ok(edited)
}

fn prove(before: &str, after: &str, site: &ScalarSite, value: &str) -> Result<(), String> {
    let (old, new) = (YamlStream::read(before)?, YamlStream::read(after)?);
    if old.documents.len() != new.documents.len() {
        return Err("the number of documents changes".to_owned());
    }
    let mut proof = EditProof {
        site,
        value,
        seen: 0,
    };
    for (old, new) in old.documents.iter().zip(&new.documents) {
        proof.same(old, new)?;
    }
    match proof.seen {
        1 => Ok(()),
        _ => Err("the new value is not where it should be".to_owned()),
    }
}

struct EditProof<'a> {
    site: &'a ScalarSite,
    value: &'a str,
    seen: usize,
}

impl EditProof<'_> {
    /// Whether a node of the old text is the scalar that changes. A block's own span may go on behind its line.
    fn is_target(&self, node: &YamlNode) -> bool {
        self.site.enclosing.is_none()
            && node.bytes.start <= self.site.bytes.start
            && self.site.bytes.end <= node.bytes.end
    }

    /// Whether they are those of the block text that the scalar stands in.
    fn is_enclosing(&self, bytes: &std::ops::Range<usize>) -> bool {
        let enclosing = self.site.enclosing.as_ref();
        // Its end may have moved: another value in it may have been replaced before.
        enclosing.is_some_and(|it| it.bytes.start == bytes.start)
    }

    fn same(&mut self, old: &YamlNode, new: &YamlNode) -> Result<(), String> {
        let old_bytes = old.bytes.clone();
        let differs = || Err(format!("something else changes at {}", old.place));
        if old.anchor != new.anchor || old.tag != new.tag {
            return differs();
        }
        match (&old.kind, &new.kind) {
            (NodeKind::Scalar { value: old, .. }, NodeKind::Scalar { value: new, .. })
                if self.is_enclosing(&old_bytes) =>
            {
                self.seen += 1;
                let inner = self.site.enclosing.as_ref().map(|it| &it.site);
                inner.map_or_else(differs, |site| prove(old, new, site, self.value))
            }
            (NodeKind::Scalar { .. }, NodeKind::Scalar { value, style, flow })
                if self.is_target(old) && *flow == self.site.flow =>
            {
                self.seen += 1;
                let stays_text = *style != ScalarStyle::Plain
                    || new.tag.is_some()
                    || quote::is_plain_text(value, *flow);
                if value == self.value && stays_text {
                    Ok(())
                } else {
                    differs()
                }
            }
            (
                NodeKind::Scalar {
                    value: a,
                    style: b,
                    flow: c,
                },
                NodeKind::Scalar {
                    value: x,
                    style: y,
                    flow: z,
                },
            ) if (a, b, c) == (x, y, z) => Ok(()),
            (NodeKind::Alias(a), NodeKind::Alias(x)) if a == x => Ok(()),
            (NodeKind::List(a), NodeKind::List(x)) if a.len() == x.len() => {
                a.iter().zip(x).try_for_each(|(a, x)| self.same(a, x))
            }
            (NodeKind::Map(a), NodeKind::Map(x)) if a.len() == x.len() => {
                a.iter().zip(x).try_for_each(|((a, b), (x, y))| {
                    self.same(a, x)?;
                    self.same(b, y)
                })
            }
            _ => differs(),
        }
    }
}
