//! Selectors of devices: what they can name, and what they may cost.
//! k8s: staging/src/k8s.io/dynamic-resource-allocation/cel/compile.go

use super::declared_name;
use crate::cel::{CelType, CompileError, DeclType, Env};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use once_cell::race::OnceBox;

const VARIABLE: &str = "device";

/// The longest values, and the numbers of values, that a device can have.
/// k8s: staging/src/k8s.io/api/resource/v1/types.go
const DRIVER_LENGTH: i64 = 63;
const DOMAIN_LENGTH: i64 = 63;
const ID_LENGTH: i64 = 32;
const VALUE_LENGTH: i64 = 64;
const VALUES_MAX: i64 = 32;

/// A device, and the names of expressions about one.
struct DeviceEnv {
    device: DeclType,
    env: Env,
}

/// Compiles a selector and tells what an evaluation costs at most.
///
/// # Errors
/// What is wrong with it.
pub fn compile_device_selector(text: &str) -> Result<u64, String> {
    static ENV: OnceBox<DeviceEnv> = OnceBox::new();
    let DeviceEnv { device, env } = ENV.get_or_init(|| Box::new(device_env()));
    let (program, cost) =
        env.compile_sized_variable(text, VARIABLE, device).map_err(|error| match error {
            CompileError::Issues(issues) => format!("compilation failed: {issues}"),
            CompileError::Constant(why) => format!("program instantiation failed: {why}"),
        })?;
    match program.result_type() {
        CelType::Bool | CelType::Dyn => Ok(cost.max),
        other => Err(format!("must evaluate to bool or the unknown type, not {}", declared_name(other))),
    }
}

fn device_env() -> DeviceEnv {
    let map = |values: DeclType, key_length: i64, are_fields: bool| {
        DeclType::map(values, VALUES_MAX).with_keys(key_length, are_fields)
    };
    let attribute = DeclType::simple(CelType::Dyn, VALUE_LENGTH, 1);
    let attributes = map(map(attribute, ID_LENGTH, true), DOMAIN_LENGTH, false);
    let quantity = DeclType::simple(CelType::opaque("kubernetes.Quantity"), 0, 8);
    let capacity = map(map(quantity, ID_LENGTH, false), DOMAIN_LENGTH, false);
    let fields = [
        ("driver".into(), DeclType::simple(CelType::Str, DRIVER_LENGTH, 2)),
        ("attributes".into(), attributes),
        ("capacity".into(), capacity),
        ("allowMultipleAllocations".into(), DeclType::simple(CelType::Bool, 1, 4)),
    ];
    let device = DeclType::object("kubernetes.DRADevice", fields.into_iter().collect(), 2);
    let env =
        Env::new().with_bindings().with_decl(&device).with_variable(VARIABLE, device.cel_type().clone());
    DeviceEnv { device, env }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_cost_what_upstream_says() {
        for line in include_str!("device_selectors.tsv").lines() {
            let (text, expected) = line.split_once('\t').expect(line);
            let found = match compile_device_selector(text) {
                Ok(cost) => format!("{cost}"),
                Err(why) => why.replace('\n', "\\n"),
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
