// Two tokens that depend on the line that they are on, as `unit_suffix` and `stepping` of grammar/neuro.pest:
// the unit of a number (`20 ms`, `2.5 %`, `1 cm^2`), and the `step` of a range (`0 .. 10 step 2`).

#include "tree_sitter/parser.h"

#include <stdbool.h>
#include <string.h>

enum Token { UNIT, STEPPING, NEVER };

// Words that begin a clause or a statement, and reserved words: never a unit, as `clause_word` and `reserved` of neuro.pest.
static const char *const CLAUSE_WORDS[] = {
    "use", "const", "unit", "fn", "channel", "morphology", "neuron", "synapse", "network", "world", "dataset", "experiment", "test",
    "param", "state", "let", "event", "input", "weight", "modulator", "emit", "on", "hold", "mute", "rewire", "noise", "compartment", "cable", "sections", "segmented", "by",
    "gate", "alpha", "beta", "inf", "tau", "current", "couple", "with", "scheme", "deliver", "length", "diameter", "energy", "per",
    "population", "spacing", "init", "projection", "connect", "transpose", "where", "from", "delay", "dendritic", "axonal", "place", "each", "segment", "store",
    "lanes", "drive", "poisson", "bernoulli", "spikes", "view",
    "seed", "dt", "precision", "data", "run", "steps", "step", "record", "during", "as", "at", "signal", "plasticity", "save", "load",
    "to", "window", "settle", "until", "change", "measure", "plot", "expect", "var", "repeat", "times", "print", "reset", "snapshot", "sweep",
    "redrawn", "clipped", "of", "mean", "sum", "batch", "columns", "panel", "labelled", "error", "done",
};
static const char *const RESERVED[] = {
    "and", "or", "not", "if", "then", "else", "in", "for", "when", "true", "false", "within", "every", "against", "over",
};

#define LONGEST 16
#define COUNT(words) (sizeof(words) / sizeof((words)[0]))

static bool is_letter(int32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_digit(int32_t c) { return c >= '0' && c <= '9'; }
static bool is_word(int32_t c) { return is_letter(c) || is_digit(c) || c == '_'; }
static bool is_blank(int32_t c) { return c == ' ' || c == '\t'; }
static bool is_line_end(int32_t c) { return c == '\n' || c == '\r'; }

static bool among(const char *word, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0) return true;
    return false;
}

static void advance(TSLexer *lexer) { lexer->advance(lexer, false); }

static void blanks(TSLexer *lexer) {
    while (is_blank(lexer->lookahead)) advance(lexer);
}

// Reads a word; of a long one, which is no keyword, the beginning is kept.
static void read_word(TSLexer *lexer, char word[LONGEST + 1]) {
    size_t n = 0;
    while (is_word(lexer->lookahead)) {
        if (n < LONGEST) word[n++] = (char)lexer->lookahead;
        advance(lexer);
    }
    word[n] = 0;
}

// Passes over `[…]` with what is nested in it.
static bool brackets(TSLexer *lexer) {
    int depth = 0;
    do {
        if (lexer->eof(lexer)) return false;
        if (lexer->lookahead == '[') depth++;
        if (lexer->lookahead == ']') depth--;
        advance(lexer);
    } while (depth > 0);
    return true;
}

// Whether an assignment begins here: `=`, `+=`, `-=`, `*=`, `/=`, `~`, also `'`.
static bool assigns(TSLexer *lexer, bool derivative) {
    int32_t c = lexer->lookahead;
    if (c == '~') return true;
    if (c == '\'') return derivative;
    if (c == '=') {
        advance(lexer);
        return lexer->lookahead != '=';
    }
    if (c == '+' || c == '-' || c == '*' || c == '/') {
        advance(lexer);
        return lexer->lookahead == '=';
    }
    return false;
}

// What follows a word up to an assignment: members, elements. `whole` also passes over line ends.
static bool assigned(TSLexer *lexer, bool whole) {
    for (;;) {
        bool blank = is_blank(lexer->lookahead);
        blanks(lexer);
        if (lexer->lookahead == '[') {
            if (!brackets(lexer)) return false;
        } else if (lexer->lookahead == '.' && !blank) {
            advance(lexer);
            if (!is_letter(lexer->lookahead) && lexer->lookahead != '_') return false;
            while (is_word(lexer->lookahead)) advance(lexer);
        } else {
            break;
        }
    }
    while (whole && (is_blank(lexer->lookahead) || is_line_end(lexer->lookahead))) advance(lexer);
    return assigns(lexer, whole);
}

// The exponent behind `^`: `2`, `-1`, `(1/2)`. The token ends behind it.
static void exponent(TSLexer *lexer) {
    advance(lexer);
    blanks(lexer);
    bool paren = lexer->lookahead == '(';
    if (paren) advance(lexer);
    if (lexer->lookahead == '-') advance(lexer);
    if (!is_digit(lexer->lookahead)) return;
    while (is_digit(lexer->lookahead)) advance(lexer);
    if (paren && lexer->lookahead == '/') {
        advance(lexer);
        while (is_digit(lexer->lookahead)) advance(lexer);
    }
    if (paren && lexer->lookahead != ')') return;
    if (paren) advance(lexer);
    lexer->mark_end(lexer);
}

// Behind the word of a unit. A name that is called, or has members, is no unit; nor is one that is assigned to, on this line or the next.
static bool ends_unit(TSLexer *lexer) {
    lexer->mark_end(lexer);
    blanks(lexer);
    if (lexer->lookahead == '(') return false;
    if (lexer->lookahead == '.') {
        advance(lexer);
        return lexer->lookahead == '.';
    }
    if (lexer->lookahead != '^') return !assigned(lexer, true);
    exponent(lexer);
    return true;
}

// Behind `step`: an expression on its line that is not another statement.
static bool ends_stepping(TSLexer *lexer) {
    lexer->mark_end(lexer);
    blanks(lexer);
    int32_t next = lexer->lookahead;
    if (lexer->eof(lexer) || is_line_end(next) || next == '}' || next == '#' || next == '=' || next == '.') return false;
    if (!is_letter(next) && next != '_') return true;
    char word[LONGEST + 1];
    read_word(lexer, word);
    if (among(word, CLAUSE_WORDS, COUNT(CLAUSE_WORDS)) && is_blank(lexer->lookahead)) {
        blanks(lexer);
        next = lexer->lookahead;
        return !(is_word(next) || next == '(' || next == '"');
    }
    return !assigned(lexer, false);
}

static bool scan(TSLexer *lexer, bool unit, bool stepping) {
    while (is_blank(lexer->lookahead)) lexer->advance(lexer, true);
    if (unit && lexer->lookahead == '%') {
        lexer->result_symbol = UNIT;
        advance(lexer);
        lexer->mark_end(lexer);
        blanks(lexer);
        if (lexer->lookahead == '^') exponent(lexer);
        return true;
    }
    if (is_line_end(lexer->lookahead)) unit = false;
    while (is_blank(lexer->lookahead) || is_line_end(lexer->lookahead)) lexer->advance(lexer, true);
    bool micro = lexer->lookahead == 0xB5; // µ
    if (micro) advance(lexer);
    if (!micro && !is_letter(lexer->lookahead)) return false;
    char word[LONGEST + 1];
    read_word(lexer, word);
    if (!micro && strcmp(word, "step") == 0) {
        lexer->result_symbol = STEPPING;
        return stepping && ends_stepping(lexer);
    }
    bool keyword = among(word, CLAUSE_WORDS, COUNT(CLAUSE_WORDS)) || among(word, RESERVED, COUNT(RESERVED));
    if (!unit || (keyword && !micro)) return false;
    lexer->result_symbol = UNIT;
    return ends_unit(lexer);
}

void *tree_sitter_neuro_external_scanner_create(void) { return NULL; }
void tree_sitter_neuro_external_scanner_destroy(void *payload) { (void)payload; }
unsigned tree_sitter_neuro_external_scanner_serialize(void *payload, char *buffer) {
    (void)payload, (void)buffer;
    return 0;
}
void tree_sitter_neuro_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
    (void)payload, (void)buffer, (void)length;
}

bool tree_sitter_neuro_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
    (void)payload;
    // While mending an error, everything is allowed: then nothing is said here.
    if (valid[NEVER]) return false;
    return (valid[UNIT] || valid[STEPPING]) && scan(lexer, valid[UNIT], valid[STEPPING]);
}
