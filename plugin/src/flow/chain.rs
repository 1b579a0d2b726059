//! A chain of environments: which two of them a run is about.

use crate::gather::context;
use crate::settings::Settings;
use crate::template;
use crate::types::Request;

/// The settings, with `environment`, `staging` and `production` taken from the chain if there is one.
///
/// # Errors
/// Says that the environment is none of the chain, or its first.
pub(super) fn pick(settings: Settings, request: &Request) -> Result<Settings, String> {
    if settings.chain.is_empty() {
        return Ok(settings);
    }
    let context = context(request, &[]);
    let wanted = template::render(&settings.environment, &context)
        .map_err(|what| format!("setting `environment`: {what}"))?;
    let names: Vec<_> = settings
        .chain
        .iter()
        .map(|link| format!("`{}`", link.name))
        .collect();
    let names = names.join(", ");
    let Some(at) = settings.chain.iter().position(|link| link.name == wanted) else {
        return Err(format!(
            "environment `{}` is not in the chain {names}",
            wanted.escape_debug()
        ));
    };
    let Some(before) = at.checked_sub(1) else {
        return Err(format!(
            "environment `{wanted}` is the first of the chain {names}: nothing comes before it"
        ));
    };
    let (staging, production) = (
        vec![settings.chain[before].runtime.clone()],
        vec![settings.chain[at].runtime.clone()],
    );
    Ok(Settings {
        environment: wanted,
        staging,
        production,
        ..settings
    })
}
