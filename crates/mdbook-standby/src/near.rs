//! What a misspelt word may have meant.

/// The candidate that is nearest to `word`, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (strsim::normalized_damerau_levenshtein(&word, &candidate.to_lowercase()), candidate)
        })
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?` where something is near, and in any case what there is.
pub fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let all: Vec<_> = candidates.clone().into_iter().collect();
    let meant = nearest(word, candidates).map_or(String::new(), |near| format!("did you mean `{near}`? "));
    if all.is_empty() { "there are none".to_owned() } else { format!("{meant}there are: {}", all.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_near_and_another_word_is_not() {
        let names = ["four-ways", "empty-answers", "held-request"];
        assert_eq!(nearest("four-wasy", names), Some("four-ways"));
        assert_eq!(nearest("Empty-Answer", names), Some("empty-answers"));
        assert_eq!(nearest("zzz", names), None);
    }
}
