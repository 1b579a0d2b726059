//! What every guest shares: [`guest!`], the contract's bindings for one world.

#[doc(hidden)]
pub use wit_bindgen;

/// Makes the crate a policy for a world of the contract: the bindings, a type `Policy` that is exported and describes
/// itself under the crate's name. The crate itself gives `Policy` its `promote`.
#[macro_export]
macro_rules! guest {
    (world: $world:literal) => {
        #[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, reason = "generated")]
        mod contract {
            $crate::wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                runtime_path: "promote_guests::wit_bindgen::rt",
            });
            export!(Policy);

            pub use exports::promote::policy::promotion::Guest as Promotion;
            pub use promote::policy::types::*;

            /// The policy.
            pub struct Policy;

            impl exports::promote::policy::about::Guest for Policy {
                fn describe() -> exports::promote::policy::about::Description {
                    exports::promote::policy::about::Description {
                        name: env!("CARGO_CRATE_NAME").to_owned(),
                        version: env!("CARGO_PKG_VERSION").to_owned(),
                        summary: "A guest of the tests".to_owned(),
                        settings_schema: r#"{"type": "object"}"#.to_owned(),
                    }
                }
            }
        }
    };
}
