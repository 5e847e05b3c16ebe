//! The fields under their names in Wireshark: what `tshark -T fields -e NAME` prints of the same
//! bytes.

use crate::Dissection;

/// Name and value of each field that Wireshark knows too, in order. A header is the whole line, as
/// there: name, colon, value. The three bits that RFC 6455 reserves are one number, the key has no
/// blanks, and truth is 0 or 1.
#[must_use]
pub fn flat(dissection: &Dissection) -> Vec<(&'static str, String)> {
    let mut flat: Vec<(&'static str, String)> = Vec::new();
    let mut reserved = 0_u8;
    for field in dissection.fields.iter().filter(|field| !field.filter.is_empty()) {
        let value = match field.filter {
            "http.request.line" | "http.response.line" => format!("{}: {}", field.name, field.value),
            "websocket.masking_key" => field.value.replace(' ', ""),
            "websocket.rsv" => {
                reserved = reserved << 1 | u8::from(field.value == "1");
                if field.name != "RSV3" {
                    continue;
                }
                std::mem::take(&mut reserved).to_string()
            }
            "http.chunk_size" => u64::from_str_radix(&field.value, 16).unwrap_or(0).to_string(),
            _ => field.value.clone(),
        };
        flat.push((field.filter, value));
    }
    flat
}
