//! The fields under their names in Wireshark: what `tshark -T fields -e NAME` prints of the same
//! bytes.

use standby_trace::Piece;
use standby_trace::tap::Part;

use crate::field::{hex, text};
use crate::{Dissection, body};

/// Name and value of each field of a piece that Wireshark knows too, in order. A header is the
/// whole line, as there, without its end. Sizes are decimal, data is hexadecimal. The three bits that RFC 6455 reserves are one number, the key has no
/// blanks, and truth is 0 or 1.
#[must_use]
pub fn flat(piece: &Piece, dissection: &Dissection) -> Vec<(&'static str, String)> {
    let mut flat: Vec<(&'static str, String)> = Vec::new();
    let mut reserved = 0_u8;
    for field in dissection.fields.iter().filter(|field| !field.filter.is_empty()) {
        let value = match field.filter {
            "http.request.line" | "http.response.line" => {
                let line = text(piece.bytes.get(field.at.clone()).unwrap_or_default());
                line.trim_end_matches(['\r', '\n']).to_owned()
            }
            "http.request.uri.query.parameter" => text(piece.bytes.get(field.at.clone()).unwrap_or_default()),
            "websocket.payload.ping" | "websocket.payload.pong" => {
                hex(dissection.unmasked.as_deref().unwrap_or_default()).replace(' ', "")
            }
            "websocket.masking_key" => field.value.replace(' ', ""),
            "websocket.rsv" => {
                reserved = reserved << 1 | u8::from(field.value == "1");
                if field.name != "RSV3" {
                    continue;
                }
                std::mem::take(&mut reserved).to_string()
            }
            "http.chunk_size" => u64::from_str_radix(&field.value, 16)
                .map_or_else(|_| field.value.clone(), |size| size.to_string()),
            _ => field.value.clone(),
        };
        flat.push((field.filter, value));
    }
    if let Some(payload) = &dissection.unmasked
        && flat.contains(&("websocket.opcode", "1".to_owned()))
    {
        flat.push(("websocket.payload.text", text(payload)));
    }
    if piece.part == Part::Chunk {
        flat.push(("http.chunk_data", hex(body::chunk_data(&piece.bytes)).replace(' ', "")));
    }
    flat
}
