// Colours for `neuro` code in the book: registers the language with highlight.js, which mdBook brings along, and colours what it left plain.
(function () {
    if (typeof hljs === "undefined") return;
    hljs.registerLanguage("neuro", function (hljs) {
        return {
            name: "Neuro",
            keywords: {
                keyword:
                    "use const unit fn channel neuron synapse network world experiment test param state let input event weight modulator noise emit on deliver " +
                    "scheme energy compartment gate current couple length diameter per hold mute rewire population init projection drive view connect delay " +
                    "store poisson bernoulli spikes seed dt precision data var run step settle window at for repeat sweep if else signal plasticity reset " +
                    "save load record measure print plot panel expect slow done when rising falling within every against over in and or not as with until then",
                literal: "true false inf pi xi",
                built_in: "pre post Static Poisson Relay",
            },
            contains: [
                hljs.COMMENT("#", "$"),
                hljs.QUOTE_STRING_MODE,
                { className: "number", begin: /\b\d[\d_]*(\.\d+)?([eE][-+]?\d+)?( ?%| [afpnumcdkMGT]?(ms|s|Hz|V|A|S|Ohm|F|m|g|M|L|N|J|W|Pa|C|K)\b)?/ },
                { className: "title", begin: /\b[a-zA-Z_]\w*'(?=\s*=)/ },
            ],
        };
    });
    document.querySelectorAll("code.language-neuro").forEach(function (block) {
        if (block.querySelector("span")) return;
        block.removeAttribute("data-highlighted");
        (hljs.highlightElement || hljs.highlightBlock)(block);
    });
})();
