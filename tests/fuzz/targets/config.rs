//! `promote.toml`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_core::grants::ResolvedGrants;
use promote_intake::config::Config;

fuzz_target!(|text: &str| {
    let Ok(config) = Config::parse(text) else {
        return;
    };
    let settings: Result<serde_json::Value, _> = serde_json::from_str(&config.policy.settings());
    assert!(settings.is_ok_and(|settings| settings.is_object()));
    let service =
        serde_json::json!({"identifier": "web", "relations": {"prod_runtime": "web-prod"}});
    let _ = ResolvedGrants::new(
        &config.grants,
        &serde_json::json!({"service": service, "inputs": {}}),
    );
});
