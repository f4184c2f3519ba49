// Neuro for tree-sitter. The grammar that counts is grammar/neuro.pest; this one follows its names where it can.
//
// White space separates statements, and a statement ends where it cannot continue, so that what may continue one is preferred
// everywhere (`prec.right`, `prec.left`). Keywords win over names only where a keyword may stand: behind an operator, a dot or
// `let`, every word is a name. At the beginning of a statement both may stand; there `name` takes in the keywords, and the next token decides.
// Units after numbers and the `step` of a range depend on the line that they are on: src/scanner.c.

const PREC = { or: 1, and: 2, not: 3, within: 4, compare: 5, range: 6, add: 7, multiply: 8, negate: 9, power: 10, postfix: 11 };

/** One and more, with commas. */
const list = (rule) => seq(rule, repeat(seq(",", rule)));

/** What begins a statement of an experiment, of a model, or of a handler, and may be a name as well. */
const COMMANDS = [
  "network", "world", "seed", "dt", "precision", "data", "run", "step", "record", "at", "measure", "plot", "expect", "signal", "let",
  "var", "repeat", "print", "reset", "snapshot", "sweep", "plasticity", "save", "load", "window", "settle", "drive",
];
const MODEL_ITEMS = [
  "param", "state", "let", "event", "input", "weight", "modulator", "emit", "on", "noise", "compartment", "cable", "sections", "channel", "gate", "current",
  "couple", "scheme", "deliver", "length", "diameter", "energy", "per",
];
const HANDLER_ITEMS = ["hold", "mute", "rewire", "deliver"];

const nameOr = ($, words) => choice($.identifier, ...words.map((word) => alias(word, $.identifier)));

module.exports = grammar({
  name: "neuro",
  word: ($) => $.identifier,
  externals: ($) => [$.unit, $._stepping, $._never],
  extras: ($) => [/\s/, $.comment, $.doc_comment],
  inline: ($) => [$._command_name, $._model_name, $._handler_name],
  // `print [1, 2]` and `print[1] = 2`.
  conflicts: ($) => [[$.list, $.index]],

  rules: {
    source_file: ($) => repeat($._item),

    comment: () => token(/#([^#\n][^\n]*)?/),
    doc_comment: () => token(/##[^\n]*/),
    identifier: () => /[A-Za-z_µ][A-Za-z0-9_]*/,
    string: () => /"[^"\n]*"/,
    number: () => /\d+(\.\d+)?([eE][-+]?\d+)?/,
    boolean: () => choice("true", "false"),

    // Declarations

    _item: ($) => choice(
      $.use, $.const, $.unit_declaration, $.function, $.channel, $.morphology, $.neuron, $.synapse, $.network, $.world, $.experiment, $.test,
    ),
    use: ($) => seq("use", field("module", choice($.string, $.module_path)), optional(seq(":", list(field("name", $.identifier))))),
    module_path: ($) => prec.right(seq($.identifier, repeat(seq(".", $.identifier)))),
    const: ($) => seq("const", list($.binding)),
    unit_declaration: ($) => seq("unit", field("name", $.identifier), "=", $._expression),
    function: ($) => seq("fn", field("name", $.identifier), $.parameters, optional($._of_unit), "=", $._expression),
    channel: ($) => seq("channel", field("name", $.identifier), optional($.parameters), $.model_body),
    morphology: ($) => seq(
      "morphology", field("name", $.identifier), "=", $._expression, "segmented", choice(seq("by", $._expression), seq("every", $._expression)),
    ),
    neuron: ($) => seq("neuron", $._model),
    synapse: ($) => seq("synapse", $._model),
    _model: ($) => seq(field("name", $.identifier), choice($.variant, seq(optional($.parameters), $.model_body))),
    variant: ($) => prec.right(seq("=", field("model", $.identifier), optional($.arguments))),
    network: ($) => seq("network", field("name", $.identifier), choice($.variant, seq(optional($.parameters), $.network_body))),
    world: ($) => seq("world", field("name", $.identifier), optional($.parameters), $.world_body),
    experiment: ($) => seq("experiment", field("name", $.identifier), optional($.parameters), optional("slow"), $.block),
    test: ($) => seq("test", field("title", $.string), $.block),

    parameters: ($) => seq("(", optional(list($.binding)), optional(","), ")"),
    binding: ($) => prec.right(seq(field("name", $.identifier), optional($._of_unit), optional(seq("=", $._expression)))),
    _of_unit: ($) => seq(":", $.unit_expression),
    unit_expression: ($) => prec.right(seq($.unit_factor, repeat(seq(choice("*", "/"), $.unit_factor)))),
    unit_factor: ($) => prec.right(seq(choice($.identifier, $.number, "%"), optional(seq("^", $.exponent)))),
    exponent: () => token(choice(/-?\d+/, /\(-?\d+(\/\d+)?\)/)),
    distribution: ($) => prec.right(seq("~", $._expression, optional(seq(choice("redrawn", "clipped"), "in", $._expression)))),
    _value: ($) => choice($.distribution, seq("=", $._expression)),

    // Neurons, synapses, channels

    model_body: ($) => seq("{", repeat($._model_item), "}"),
    _model_item: ($) => choice(
      $.param, $.state, $.let, $.event_input, $.input, $.weight_declaration, $.modulator, $.equation, $.emit, $.noise, $.compartment,
      $.cable, $.sections, $.channel_use, $.gate, $.current, $.couple, $.scheme, $.on, $.deliver, $.geometry, $.energy, $.per_sample,
    ),
    _model_name: ($) => nameOr($, MODEL_ITEMS),
    param: ($) => prec.right(seq("param", list($.binding))),
    state: ($) => prec.right(seq("state", list($.state_binding))),
    state_binding: ($) => prec.right(seq(
      field("name", $.identifier), optional($._of_unit), optional(seq("per", $.identifier)), optional(seq("=", $._expression)), optional($.bounds),
    )),
    bounds: ($) => seq("in", $._expression),
    let: ($) => seq("let", field("name", $.identifier), "=", $._expression),
    event_input: ($) => prec.right(seq("event", "input", field("name", $.identifier), optional($._of_unit))),
    input: ($) => prec.right(seq("input", field("name", $.identifier), optional($._of_unit), optional(seq("=", $._expression)))),
    weight_declaration: ($) => prec.right(seq("weight", field("name", $.identifier), optional($._of_unit), optional($.bounds))),
    modulator: ($) => prec.right(seq("modulator", field("name", $.identifier), optional($._of_unit), optional(seq("=", $._expression)))),
    equation: ($) => seq(field("left", alias($._model_path, $.path)), "'", "=", field("right", $._expression)),
    _model_path: ($) => seq($._model_name, repeat(seq(".", $.identifier))),
    path: ($) => prec.right(seq($.identifier, repeat(seq(".", $.identifier)))),
    emit: ($) => prec.right(seq(
      "emit", field("event", $.identifier), optional(seq("on", field("event", $.identifier))), optional(seq("count", "~", $._expression)),
      optional(seq("when", optional(choice("rising", "falling")), $._expression)), optional($.handler),
    )),
    noise: ($) => seq("noise", field("name", $.identifier)),
    compartment: ($) => seq("compartment", list($.compartment_name), $.model_body),
    compartment_name: ($) => seq(field("name", $.identifier), optional($.index)),
    channel_use: ($) => prec.right(seq("channel", field("name", $.identifier), ":", field("model", $.identifier), optional($.arguments), optional(seq("in", list($.identifier))))),
    cable: ($) => seq("cable", field("model", $.identifier), $.model_body),
    sections: ($) => seq("sections", list($.identifier), $.model_body),
    gate: ($) => seq("gate", field("name", $.identifier), "{", repeat($.gate_field), "}"),
    gate_field: ($) => seq(field("name", $.identifier), "=", $._expression),
    current: ($) => seq("current", "=", $._expression),
    couple: ($) => prec.right(seq("couple", $.identifier, "<->", list($.identifier), optional(seq("with", $._expression)))),
    scheme: ($) => prec.right(seq("scheme", $.identifier, optional($.arguments), optional(seq("for", list($.path))))),
    on: ($) => seq("on", field("event", $.path), $.handler),
    deliver: ($) => seq("deliver", $._expression),
    geometry: ($) => seq(choice("length", "diameter"), $._expression),
    energy: ($) => seq("energy", field("name", $.identifier), "=", $._expression),
    per_sample: ($) => seq("per", "sample", $.state),

    handler: ($) => seq("{", repeat($._statement), "}"),
    _statement: ($) => choice($.assignment, $.hold, $.mute, $.rewire, alias($.handler_if, $.if), $.deliver),
    _handler_name: ($) => nameOr($, HANDLER_ITEMS),
    assignment: ($) => seq(field("left", alias($._handler_path, $.path)), $._assign, field("right", $._expression)),
    _handler_path: ($) => seq($._handler_name, repeat(seq(".", $.identifier))),
    _assign: () => choice("=", "+=", "-=", "*=", "/="),
    hold: ($) => seq("hold", list($.path), "for", $._expression),
    mute: ($) => seq("mute", field("event", $.identifier), "for", $._expression),
    rewire: () => "rewire",
    handler_if: ($) => prec.right(seq("if", $._expression, $.handler, optional(seq("else", choice($.handler, alias($.handler_if, $.if)))))),

    // Networks

    network_body: ($) => seq("{", repeat($._network_item), "}"),
    _network_item: ($) => choice(
      $.population, $.sub_network, $.init, $.projection, $.drive, $.view, $.let, alias($.network_for, $.for), alias($.network_if, $.if), $.param,
    ),
    population: ($) => prec.right(seq(
      "population", field("name", $.identifier), ":", field("model", $.identifier), optional($.arguments), optional($.index), optional($.spacing),
    )),
    spacing: ($) => seq("{", "spacing", $._expression, "}"),
    sub_network: ($) => prec.right(seq("network", field("name", $.identifier), "=", field("model", $.identifier), optional($.arguments))),
    init: ($) => seq("init", list($.view_path), $._value),
    view_path: ($) => prec.right(seq($.path, repeat(choice($.index, seq(".", $.identifier))))),
    projection: ($) => prec.right(seq(
      "projection", optional(seq(field("name", $.identifier), ":")), $._endpoints, "->", $._endpoints,
      optional(seq(":", field("model", $.identifier), optional($.arguments))), optional($.projection_body),
    )),
    _endpoints: ($) => choice($.endpoints, $.view_path),
    endpoints: ($) => prec.right(seq("(", list($.view_path), ")", repeat(seq(".", $.identifier)))),
    projection_body: ($) => seq("{", repeat($._projection_clause), "}"),
    _projection_clause: ($) => choice($.connect, $.weight, $.delay, $.place, $.modulator_clause, $.init_clause, $.store),
    connect: ($) => prec.right(seq("connect", choice(
      seq("transpose", "of", $.path),
      seq("from", choice($.string, $.identifier), optional($.arguments)),
      seq("where", $._expression),
      $._expression,
    ))),
    weight: ($) => seq("weight", $._clause_value),
    delay: ($) => seq("delay", optional(choice("dendritic", "axonal")), $._clause_value),
    place: ($) => seq("place", choice(seq("each", "segment"), seq(optional("segment"), $._clause_value))),
    _clause_value: ($) => choice($.distribution, seq(optional("="), $._expression)),
    modulator_clause: ($) => seq("modulator", field("name", $.identifier), "=", $._expression),
    init_clause: ($) => seq("init", field("name", $.identifier), $._value),
    store: ($) => seq("store", $.identifier),
    drive: ($) => seq("drive", $._endpoints, "{", repeat(choice($.poisson, $.bernoulli, $.spikes, $.weight, $.delay, $.place)), "}"),
    poisson: ($) => seq("poisson", $._expression),
    bernoulli: ($) => seq("bernoulli", $._expression),
    spikes: ($) => seq("spikes", $._expression),
    view: ($) => prec.right(seq("view", field("name", $.identifier), "=", $.view_path, optional(seq("where", $._expression)))),
    network_for: ($) => seq("for", field("name", $.identifier), "in", $._expression, $.network_body),
    network_if: ($) => prec.right(seq("if", $._expression, $.network_body, optional(seq("else", choice($.network_body, alias($.network_if, $.if)))))),

    // Worlds

    world_body: ($) => seq("{", repeat(choice($.world_state, $.let, $.action, $.done)), "}"),
    world_state: ($) => prec.right(seq("state", list($.world_binding))),
    world_binding: ($) => seq(field("name", $.identifier), optional($._of_unit), $._value),
    action: ($) => seq("on", field("event", $.identifier), optional($.parameters), $.block),
    done: ($) => seq("done", "when", $._expression),

    // Experiments and tests

    block: ($) => seq("{", repeat($._command), "}"),
    _command: ($) => choice(
      $.set, $.act, $.network_command, $.world_command, $.seed, $.dt, $.precision, $.data, $.run, $.step, $.record, $.at, $.for, $.if,
      $.measure, $.plot, $.expect, $.signal, alias($.let_command, $.let), $.var, $.repeat, $.print, $.reset, $.snapshot, $.sweep, $.plasticity,
      $.save, $.load, $.window, $.settle, $.drive,
    ),
    _command_name: ($) => nameOr($, COMMANDS),
    set: ($) => seq(field("left", $.target), choice(seq($._assign, field("right", $._expression)), $.distribution)),
    target: ($) => seq($._command_name, repeat(choice($.index, seq(".", $.identifier)))),
    act: ($) => seq(field("world", $._command_name), ".", field("action", $.identifier), $.arguments),
    network_command: ($) => prec.right(seq(
      "network", field("name", $.identifier), "=", field("model", $.identifier), optional($.arguments), optional($.batch),
    )),
    batch: ($) => prec.right(seq("with", "batch", $._expression, optional(choice("mean", "sum")))),
    world_command: ($) => prec.right(seq("world", field("name", $.identifier), "=", field("model", $.identifier), optional($.arguments))),
    seed: ($) => seq("seed", $._expression),
    dt: ($) => seq("dt", $._expression),
    precision: ($) => seq("precision", $.identifier),
    data: ($) => seq("data", field("name", $.identifier), "=", $._expression),
    run: ($) => seq("run", $._expression),
    step: () => "step",
    record: ($) => prec.right(seq(
      "record", $._expression, repeat(choice(seq("every", $._expression), seq("during", $._expression), seq("as", field("name", $.identifier)))),
    )),
    at: ($) => seq("at", $._expression, choice($.block, $._command)),
    for: ($) => seq("for", choice(field("name", $.identifier), seq("(", list(field("name", $.identifier)), ")")), "in", $._expression, $.block),
    if: ($) => prec.right(seq("if", $._expression, $.block, optional(seq("else", choice($.block, $.if))))),
    measure: ($) => prec.right(seq("measure", field("name", $.identifier), "=", $._expression, optional($.over))),
    over: ($) => seq("over", $._expression, $.block),
    let_command: ($) => prec.right(seq("let", field("name", $.identifier), choice($.distribution, seq("=", $._expression, optional($.over))))),
    var: ($) => seq("var", field("name", $.identifier), $._value),
    repeat: ($) => seq("repeat", choice(seq($.at_most, $._expression, "times", "until", $._expression), seq($._expression, "times")), $.block),
    at_most: () => token(prec(1, /at[ \t]+most/)),
    print: ($) => prec.right(seq("print", list($._expression))),
    reset: ($) => seq("reset", $._expression),
    snapshot: ($) => seq("snapshot", field("form", $.identifier), "of", field("of", $.identifier)),
    sweep: ($) => seq("sweep", list(seq(field("name", $.identifier), "in", $._expression)), $.block),
    signal: ($) => prec.right(seq("signal", field("event", $.identifier), optional(seq("in", $._expression)))),
    plasticity: ($) => seq("plasticity", choice("on", "off"), $._expression),
    save: ($) => seq("save", $._expression, "to", $.string),
    load: ($) => seq("load", $._expression, "from", $.string),
    window: ($) => seq("window", field("name", $.identifier), $.block),
    settle: ($) => seq("settle", choice(seq("for", $._expression), seq("until", "change", "<", $._primary, "or", $._expression)), "steps"),
    expect: ($) => seq("expect", $._expression),
    plot: ($) => seq("plot", optional(field("title", $.string)), choice($.panels, $._panel)),
    panels: ($) => seq(optional(seq("in", $._expression, "columns")), "{", repeat1($.panel), "}"),
    panel: ($) => seq("panel", optional(field("title", $.string)), $._panel),
    _panel: ($) => prec.right(seq(
      list($._expression), optional(seq("against", $._expression)), repeat(choice($.plot_as, $.plot_with, $.labelled)),
    )),
    plot_as: ($) => prec.right(seq("as", $.identifier, optional($.arguments))),
    plot_with: ($) => prec.right(seq("with", choice(
      seq("error", list($._expression)),
      seq(choice("x", "y"), $._expression),
      list(choice(seq("log", choice("x", "y")), $.identifier)),
    ))),
    labelled: ($) => prec.right(seq("labelled", list($.string))),

    // Expressions

    _expression: ($) => choice($.binary, $.range, $.unary, $._primary),
    binary: ($) => choice(
      ...[
        ["or", PREC.or], ["and", PREC.and], ["within", PREC.within], ["in", PREC.compare], ["<", PREC.compare], ["<=", PREC.compare],
        [">", PREC.compare], [">=", PREC.compare], ["==", PREC.compare], ["!=", PREC.compare], ["+", PREC.add], ["-", PREC.add],
        ["*", PREC.multiply], ["/", PREC.multiply],
      ].map(([operator, level]) => prec.left(level, seq($._expression, field("operator", operator), $._expression))),
      prec.right(PREC.power, seq($._expression, field("operator", "^"), $._expression)),
    ),
    range: ($) => prec.left(PREC.range, seq($._expression, "..", $._expression, optional(seq(alias($._stepping, "step"), $._expression)))),
    unary: ($) => choice(prec(PREC.not, seq("not", $._expression)), prec(PREC.negate, seq("-", $._expression))),
    _primary: ($) => choice(
      $.conditional, $.since, $.quantity, prec(-1, $.string), $.boolean, $.list, $.parenthesized, $.all, $.identifier, $.call, $.subscript, $.member, $.at_end,
    ),
    conditional: ($) => prec.right(seq("if", $._expression, "then", $._expression, "else", $._expression)),
    since: ($) => seq("since", "(", optional("previous"), field("event", $.identifier), ")"),
    quantity: ($) => prec.right(seq($.number, optional($.unit))),
    list: ($) => seq("[", optional(list($._expression)), optional(","), "]"),
    parenthesized: ($) => seq("(", list($._expression), ")"),
    all: () => "*",
    call: ($) => prec(PREC.postfix, seq(field("function", $._primary), $.arguments)),
    arguments: ($) => seq("(", optional(list(choice($.argument, $._expression))), optional(","), ")"),
    argument: ($) => seq(field("name", $.identifier), "=", $._expression),
    subscript: ($) => prec(PREC.postfix, seq($._primary, $.index)),
    index: ($) => seq("[", list($._expression), "]"),
    member: ($) => prec(PREC.postfix, seq($._primary, ".", field("name", $.identifier))),
    at_end: ($) => prec(PREC.postfix, seq($._primary, alias($._at_end_of, "at end of"), field("window", $.identifier))),
    _at_end_of: () => token(prec(1, /at[ \t]+end[ \t]+of/)),
  },
});
