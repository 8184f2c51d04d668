//! Every key, value and role once: an extract repeats a few thousand texts millions of times.

use std::collections::HashMap;

/// The texts in one buffer; a text is named by its number.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    text: String,
    /// `ends[i]` is where text `i` ends and text `i + 1` begins.
    ends: Vec<usize>,
    numbers: HashMap<Box<str>, u32>,
}

impl Strings {
    pub(crate) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.text[start..self.ends[number]]
    }

    pub(crate) fn number_of(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.text.len() as u64
    }

    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number =
            u32::try_from(self.ends.len()).expect("the limit on bytes of text keeps the count below 2^32");
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.numbers.insert(text.into(), number);
        number
    }
}
