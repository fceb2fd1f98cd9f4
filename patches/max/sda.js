// Builds the controls of the running engine in the patch that holds this [js sda.js]: one row for each that it tells of
// in answer to /sda/q/params, and again whenever another model brings other sliders.
//
// What [udpreceive] hears comes in; what a control sends goes straight to the [udpsend] named sda_send. ECMAScript 5,
// so that Max 5 to 9 run it.

autowatch = 1;
inlets = 1;
outlets = 0;

var LEFT = 20, TOP = 170, ROW = 24; // pixels
var COLUMN = 440; // pixels from the engine's controls to the model's sliders
var PREFIX = "/sda/";

var told = []; // rows of the table, until all of them came
var built = ""; // the table that the controls stand for
var boxes = []; // everything made here
var shows = {}; // address -> function that shows a value
var heard = {models: [], presets: []}; // names, until all of them came
var offers = {}; // "models" or "presets" -> function that fills the menu

function anything() {
    var args = arrayfromargs(arguments);
    hear(messagename, args);
}

function hear(address, args) {
    if (address === PREFIX + "param") {
        told.push(rowOf(args));
    } else if (address === PREFIX + "params") {
        take(args[0]);
    } else if (address === PREFIX + "models/name" || address === PREFIX + "presets/name") {
        heard[wordOf(address)].push(args[0]);
    } else if (address === PREFIX + "models" || address === PREFIX + "presets") {
        offer(wordOf(address));
    } else if (address === PREFIX + "done" && args[0] === PREFIX + "preset/save") {
        send(PREFIX + "q/presets");
    } else if (shows.hasOwnProperty(address)) {
        shows[address](args[0]);
    }
}

function rowOf(args) {
    return {
        id: args[0], kind: args[1], unit: args[2], low: args[3], high: args[4], curve: args[6],
        choices: String(args[7]).split(","), name: args[8], help: args[9],
        address: PREFIX + String(args[0]).split(".").join("/")
    };
}

// The table is whole when as many rows came as the engine counts; a datagram may have been lost.
function take(count) {
    var rows = told, key = JSON.stringify(told);
    told = [];
    if (rows.length !== count) {
        send(PREFIX + "q/params");
    } else if (key !== built) {
        built = key;
        build(rows);
        send(PREFIX + "q/models");
        send(PREFIX + "q/presets");
        send(PREFIX + "q/all");
    }
}

function build(rows) {
    var own = 0, models = 0, i, isSlider;
    for (i = 0; i < boxes.length; i++) {
        this.patcher.remove(boxes[i]);
    }
    boxes = [];
    shows = {};
    for (i = 0; i < rows.length; i++) {
        isSlider = String(rows[i].id).indexOf("slider.") === 0;
        strip(rows[i], LEFT + (isSlider ? COLUMN : 0), TOP + ROW * (isSlider ? models++ : own++));
    }
    box("comment", LEFT, TOP + ROW * own, 100).message("set", "preset");
    nameMenu("presets", PREFIX + "preset/recall", LEFT + 105, TOP + ROW * own);
}

function strip(row, x, y) {
    var label = box("comment", x, y, 100);
    label.message("set", row.name ? row.name : row.id);
    label.message("hint", String(row.help));
    if (row.kind === "float") {
        numberStrip(row, x + 105, y);
    } else if (row.kind === "int") {
        single(row, "number", 0, x + 105, y, 80, "set");
    } else if (row.kind === "bool") {
        single(row, "toggle", 0, x + 105, y, 20, "set");
    } else {
        menuStrip(row, x + 105, y);
    }
}

// A fader moves by the place in the range, so that `drift` is as finely felt as it is heard; beside it the value.
function numberStrip(row, x, y) {
    var fader = box("multislider", x, y, 160), value = box("flonum", x + 165, y, 70), unit = box("comment", x + 240, y, 60);
    fader.message("setminmax", 0, 1);
    fader.message("size", 1);
    fader.message("settype", 1);
    fader.message("orientation", 0);
    fader.message("contdata", 1);
    unit.message("set", String(row.unit));
    wire(fader, 0, row.address + "/norm");
    wire(value, 0, row.address);
    shows[row.address] = function (number) {
        fader.message("setlist", Math.pow((number - row.low) / (row.high - row.low), 1 / row.curve));
        value.message("set", number);
    };
}

function single(row, kind, outlet, x, y, width, set) {
    var control = box(kind, x, y, width);
    wire(control, outlet, row.address);
    shows[row.address] = function (value) {
        control.message(set, value);
    };
    return control;
}

// A choice sends its number; a text, which is the model, its words.
function menuStrip(row, x, y) {
    if (row.kind === "choice") {
        fill(single(row, "umenu", 0, x, y, 160, "setsymbol"), row.choices);
        return;
    }
    var menu = nameMenu("models", row.address, x, y);
    shows[row.address] = function (name) {
        menu.message("setsymbol", name);
    };
}

// A menu of names in the library, which sends the one that is chosen.
function nameMenu(word, address, x, y) {
    var menu = box("umenu", x, y, 160);
    wire(menu, 1, address);
    offers[word] = function (names) {
        fill(menu, names);
    };
    return menu;
}

function offer(word) {
    if (offers[word]) {
        offers[word](heard[word]);
        send(PREFIX + "q/model");
    }
    heard[word] = [];
}

function wordOf(address) {
    return address.indexOf("models") > 0 ? "models" : "presets";
}

function fill(menu, words) {
    menu.message("clear");
    for (var i = 0; i < words.length; i++) {
        menu.message("append", words[i]);
    }
}

function box(kind, x, y, width) {
    var made = this.patcher.newdefault(x, y, kind);
    made.rect = [x, y, x + width, y + ROW - 4];
    boxes.push(made);
    return made;
}

// From a control through a hidden [prepend ADDRESS] to the engine.
function wire(control, outlet, address) {
    var prepend = this.patcher.newdefault(LEFT, TOP, "prepend", address);
    prepend.hidden = 1;
    boxes.push(prepend);
    this.patcher.hiddenconnect(control, outlet, prepend, 0);
    this.patcher.hiddenconnect(prepend, 0, this.patcher.getnamed("sda_send"), 0);
}

function send(address) {
    this.patcher.getnamed("sda_send").message(address);
}
