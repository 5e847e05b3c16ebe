//! What methods, query parameters, status codes and headers are there for, in a sentence each.

/// What a method asks.
pub(crate) fn method(name: &str) -> &'static str {
    match name {
        "GET" => "Send me this (RFC 9110 §9.3.1).",
        "POST" => "Take this, and do with it what you do (RFC 9110 §9.3.3).",
        "HEAD" => "Send me the head that a GET would bring (RFC 9110 §9.3.2).",
        "OPTIONS" => {
            "What may I ask? A browser's own question before it lets a page ask another origin (Fetch §4.8)."
        }
        _ => "What is to be done (RFC 9110 §9).",
    }
}

/// What a parameter of the companion server's means.
pub(crate) fn parameter(name: &str) -> &'static str {
    match name {
        "after" => {
            "The subscriber's position: it has the events up to this one, and asks for what comes after."
        }
        "timeout_ms" => {
            "How long the server may hold the request, in milliseconds, before it answers with nothing."
        }
        "retry_ms" => "The reconnection time that the stream is to name, in milliseconds.",
        "sub" => "The subscriber's label. The picture finds its lane by it.",
        "n" => "The subscriber's own number of this exchange. The picture finds both ends of it by it.",
        _ => "A parameter of the query.",
    }
}

/// What a status code says.
pub(crate) fn status(code: &str) -> &'static str {
    match code {
        "101" => "From here on this connection speaks another protocol: WebSocket (RFC 9110 §15.2.2).",
        "200" => "It went well, and the body is what was asked for (RFC 9110 §15.3.1).",
        "201" => "It went well, and something new has come to be (RFC 9110 §15.3.2).",
        "202" => "It was taken, and will be done (RFC 9110 §15.3.3).",
        "204" => {
            "It went well, and there is no body. An EventSource stops for good at it (RFC 9110 §15.3.5)."
        }
        "304" => "What you have is still right, so there is no body (RFC 9110 §15.4.5).",
        "400" => "The request can't be understood as it is (RFC 9110 §15.5.1).",
        "403" => "Understood, and refused (RFC 9110 §15.5.4).",
        "404" => "There is nothing here (RFC 9110 §15.5.5).",
        "413" => "The body is too large (RFC 9110 §15.5.14).",
        "426" => "Only by another protocol (RFC 9110 §15.5.22).",
        "429" => "Too many requests: wait (RFC 6585 §4).",
        "500" => "The server failed (RFC 9110 §15.6.1).",
        "502" => "A server between the two had no good answer from the one behind it (RFC 9110 §15.6.3).",
        "503" => "Not now: the server is too busy, or being mended (RFC 9110 §15.6.4).",
        "504" => "A server between the two waited too long for the one behind it (RFC 9110 §15.6.5).",
        _ => match code.as_bytes().first() {
            Some(b'1') => "More is to come before the answer (RFC 9110 §15.2).",
            Some(b'2') => "It went well (RFC 9110 §15.3).",
            Some(b'3') => "Look elsewhere, or at what you have (RFC 9110 §15.4).",
            Some(b'4') => "The client did something that it shouldn't (RFC 9110 §15.5).",
            Some(b'5') => "The server can't (RFC 9110 §15.6).",
            _ => "No code that a standard knows (RFC 9110 §15).",
        },
    }
}

/// What a header is there for.
pub(crate) fn header(name: &str) -> &'static str {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "host" => "Which of the sites at this address is meant (RFC 9110 §7.2).",
        "user-agent" => "Which program asks (RFC 9110 §10.1.5).",
        "accept" => "Which kinds of answers the client can read (RFC 9110 §12.5.1).",
        "accept-encoding" => "Which compressions the client can undo (RFC 9110 §12.5.3).",
        "accept-language" => "Which languages the reader prefers (RFC 9110 §12.5.4).",
        "connection" => "What is to become of this connection, hop by hop (RFC 9110 §7.6.1).",
        "keep-alive" => "How long the connection may lie idle.",
        "upgrade" => "The protocol to change over to (RFC 9110 §7.8).",
        "cache-control" => "What caches may do with it (RFC 9111 §5.2).",
        "pragma" => "The same for caches of HTTP/1.0 (RFC 9111 §5.4).",
        "content-type" => "What kind of body this is (RFC 9110 §8.3).",
        "content-length" => "How many bytes the body has: this is how its end is found (RFC 9112 §6.2).",
        "transfer-encoding" => {
            "The body comes in chunks, so that it can begin before its length is known (RFC 9112 §6.1)."
        }
        "content-encoding" => "How the body is compressed (RFC 9110 §8.4).",
        "date" => "When the server made the answer, to the second (RFC 9110 §6.6.1).",
        "etag" => "A name for exactly this content, to ask about it later (RFC 9110 §8.8.3).",
        "if-none-match" => "Only if it is no longer the content of this name (RFC 9110 §13.1.2).",
        "last-modified" => "When it was changed last (RFC 9110 §8.8.2).",
        "last-event-id" => {
            "The `id:` of the last event that the browser had: where the stream is to go on (HTML §9.2.4)."
        }
        "retry-after" => "How long to wait before the next attempt (RFC 9110 §10.2.3).",
        "vary" => "Which headers of the request the answer depends on (RFC 9110 §12.5.5).",
        "server" => "Which program answers (RFC 9110 §10.2.4).",
        "allow" => "Which methods there are here (RFC 9110 §10.2.1).",
        "location" => "Where it is to be found (RFC 9110 §10.2.2).",
        "origin" => "The origin of the page that asks (Fetch §3.2).",
        "referer" => "The page that asks (RFC 9110 §10.1.3).",
        "cookie" => "What the site has told the browser to send along each time (RFC 6265 §4.2).",
        "set-cookie" => "What the browser is to send along from now on (RFC 6265 §4.1).",
        "authorization" => "Who asks, with proof (RFC 9110 §11.6.2).",
        "priority" => "How urgent the request is (RFC 9218 §4).",
        "dnt" | "sec-gpc" => "The reader does not want to be tracked.",
        "sec-websocket-key" => {
            "16 random bytes in base64. The server must show that it has read them (RFC 6455 §11.3.1)."
        }
        "sec-websocket-accept" => "The proof that the server has read the key (RFC 6455 §11.3.3).",
        "sec-websocket-version" => {
            "The version of the WebSocket protocol; there is one, 13 (RFC 6455 §11.3.5)."
        }
        "sec-websocket-extensions" => {
            "Additions to the protocol: what the client offers or the server takes (RFC 6455 §9.1)."
        }
        "sec-websocket-protocol" => "What is to be spoken inside the WebSocket (RFC 6455 §11.3.4).",
        "access-control-allow-origin" => "Which page of another origin may read the answer (Fetch §3.3.3).",
        "access-control-allow-methods"
        | "access-control-allow-headers"
        | "access-control-max-age"
        | "access-control-expose-headers"
        | "access-control-allow-credentials" => "What pages of another origin may do (Fetch §3.3.3).",
        "access-control-request-method" | "access-control-request-headers" => {
            "What a page of another origin is about to ask (Fetch §3.3.2)."
        }
        "x-content-type-options" => "The browser is not to guess another kind of body (Fetch §3.6).",
        "x-accel-buffering" => "Asks a proxy in between not to hold the stream back.",
        "x-forwarded-for" | "x-forwarded-proto" | "x-forwarded-host" | "forwarded" | "via" => {
            "A proxy tells who it asks for (RFC 7239 §4)."
        }
        "content-security-policy" => "What the page may load and do.",
        _ if lower.starts_with("sec-fetch-") => "The browser says where and why it asks (Fetch Metadata §2).",
        _ if lower.starts_with("sec-ch-") => "The browser says what it is (User-Agent Client Hints §3).",
        _ if lower.starts_with("cross-origin-") => "What other origins may do with the answer (Fetch §3.7).",
        _ => "A header.",
    }
}
