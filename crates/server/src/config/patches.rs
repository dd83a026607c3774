//! What must hold of `[[patch]]` sections.

use toml::Value;

use super::typed::Patch;
use super::values::Values;

/// What is wrong, and what to do.
pub(super) fn faults(values: &Values) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let list = values.get("patch").and_then(|setting| setting.value.as_array()).cloned().unwrap_or_default();
    let text = |patch: &Value, key: &str| patch.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let apps = values.texts("dialect.antmedia.apps");
    for (index, patch) in list.iter().enumerate() {
        let number = index + 1;
        let mut wrong = |problem: String, action: &str| faults.push((problem, action.to_owned()));
        let (mesh, app) = (text(patch, "mesh"), text(patch, "antmedia"));
        if mesh.len() > 64 || mesh.trim() != mesh || mesh.chars().any(char::is_control) {
            wrong(format!("patch {number}: mesh is no room of that dialect"), "write a name of 1 to 64 bytes");
        } else if !mesh.is_empty() && list[..index].iter().any(|other| text(other, "mesh") == mesh) {
            wrong(format!("patch {number}: the mesh room is in another patch already"), "put both into one patch");
        }
        let video = text(patch, "sylk");
        if !video.is_empty() && patchbay_sip::uri::Aor::parse(&video).is_err() {
            wrong(format!("patch {number}: sylk = {video:?} is no room"), "write its address, name@domain");
        } else if !video.is_empty() && list[..index].iter().any(|other| text(other, "sylk") == video) {
            wrong(format!("patch {number}: the video room is in another patch already"), "put both into one patch");
        } else if let Some(other) = list[..index].iter().find(|other| !text(other, "sylk").is_empty()).filter(|other| {
            let other = text(other, "antmedia");
            !video.is_empty() && !app.is_empty() && !other.is_empty() && other != app
        }) {
            let other = text(other, "antmedia");
            wrong(
                format!("patch {number}: video rooms of sylk meet one application, and that is {other:?} already"),
                "name the same application in all patches with a video room",
            );
        }
        if !app.is_empty() && !apps.contains(&app) {
            wrong(
                format!("patch {number}: antmedia = {app:?} is no application"),
                &format!("write one of dialect.antmedia.apps: {}", apps.join(", ")),
            );
        }
    }
    faults
}

/// What does nothing as it is, and what is missing, one line each.
pub(super) fn idle(patches: &[Patch]) -> Vec<String> {
    let idle = |(index, patch): (usize, &Patch)| {
        let number = index + 1;
        if patch.mesh.is_empty() {
            Some(format!("patch {number} has no members: set mesh to a room"))
        } else if patch.antmedia.is_empty() && !patch.whip && patch.sylk.is_empty() {
            Some(format!(
                "patch {number} joins its members with nothing: set antmedia to an application, sylk to a video room, or whip = true"
            ))
        } else {
            None
        }
    };
    patches.iter().enumerate().filter_map(idle).collect()
}
