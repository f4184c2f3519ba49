; Later patterns win.

(identifier) @variable
(comment) @comment
(doc_comment) @comment.documentation
(string) @string
(number) @number
(boolean) @boolean
(unit) @type.unit
(unit_factor [(identifier) (number) "%" (exponent)] @type.unit)

; Declarations

["use" "const" "unit" "fn" "channel" "morphology" "neuron" "synapse" "network" "world" "experiment" "test"] @keyword.declaration

(module_path (identifier) @module)
(use name: (identifier) @type)
(morphology name: (identifier) @type)
(neuron name: (identifier) @type)
(synapse name: (identifier) @type)
(channel name: (identifier) @type)
(network name: (identifier) @type)
(world name: (identifier) @type)
(experiment name: (identifier) @function)
(function name: (identifier) @function)
(unit_declaration name: (identifier) @type.unit)
(test title: (string) @string.special)
(_ model: (identifier) @type)
(binding name: (identifier) @variable.parameter)
(argument name: (identifier) @variable.parameter)

; Clauses of models and networks

[
  "param" "state" "event" "input" "weight" "modulator" "noise" "compartment" "cable" "sections" "segmented" "by" "gate" "current" "couple" "with" "scheme" "length"
  "diameter" "energy" "per" "sample" "population" "spacing" "init" "projection" "connect" "transpose" "of" "where" "from" "delay"
  "dendritic" "axonal" "place" "each" "segment" "store" "drive" "poisson" "bernoulli" "spikes" "view" "slow"
] @keyword

; Statements

[
  "let" "emit" "on" "off" "count" "rising" "falling" "hold" "mute" "deliver" "done" "seed" "dt" "precision" "data" "run" "record" "during"
  "as" "at" "signal" "plasticity" "save" "load" "to" "window" "settle" "until" "change" "steps" "measure" "plot" "panel" "columns"
  "labelled" "error" "log" "x" "y" "expect" "var" "times" "print" "reset" "snapshot" "sweep" "batch" "mean" "sum" "redrawn" "clipped" "previous"
  "repeat" "step"
] @keyword
[(rewire) (step) (at_most) "at end of"] @keyword

["if" "then" "else"] @keyword.conditional
["for" "every" "over"] @keyword.repeat
["and" "or" "not" "in" "within" "against" "when" "since"] @keyword.operator

; Names by what they are

(_ event: (identifier) @label)
(_ event: (path (identifier) @label))
(equation left: (path (identifier) @variable.member))
(member name: (identifier) @property)
(act action: (identifier) @function.method)
(call function: (identifier) @function.call)
((identifier) @constant.builtin (#any-of? @constant.builtin "inf" "pi"))
((identifier) @variable.builtin (#any-of? @variable.builtin "pre" "post"))

; Marks

["=" "+=" "-=" "*=" "/=" "==" "!=" "<" "<=" ">" ">=" "+" "-" "*" "/" "^" "~" ".." "->" "<->" "'"] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," "." ":"] @punctuation.delimiter

; The rates of a gate, which are names elsewhere.
(gate_field name: (identifier) @keyword)
