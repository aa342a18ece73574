// For each name of A1111's page: what tells, in the real page, that it does what its name says. Each check gives true, or
// what it found instead. Read by test_page_scripts.py.
({
  // --- the page ------------------------------------------------------------------------------------------------------
  gradioApp: () => gradioApp().querySelector("#tabs") === gradioApp().getElementById("tabs") && gradioApp() instanceof Node,
  gradio_config: () => Array.isArray(window.gradio_config.components),
  uiCurrentTab: () => uiCurrentTab?.textContent === "txt2img ",
  get_uiCurrentTab: () => get_uiCurrentTab().classList.contains("selected"),
  get_uiCurrentTabContent: () => get_uiCurrentTabContent().id === "tab_txt2img",
  uiElementIsVisible: () => uiElementIsVisible($("#txt2img_generate")) && !uiElementIsVisible($("#img2img_generate")),
  uiElementInSight: () => uiElementInSight($("#tabs")) && !uiElementInSight(make("p")),
  // --- callbacks -----------------------------------------------------------------------------------------------------
  uiUpdateCallbacks: () => uiUpdateCallbacks.length > 0,
  uiAfterUpdateCallbacks: () => uiAfterUpdateCallbacks.length > 0,
  uiLoadedCallbacks: () => uiLoadedCallbacks.length > 0,
  uiTabChangeCallbacks: () => uiTabChangeCallbacks.length > 0,
  optionsChangedCallbacks: () => optionsChangedCallbacks.length > 0,
  optionsAvailableCallbacks: () => Array.isArray(optionsAvailableCallbacks),
  uiAfterUpdateTimeout: () => typeof uiAfterUpdateTimeout === "number",
  executeCallbacks: () => {
    const told = [];
    executeCallbacks([(what) => told.push(what), (what) => told.push(what + 1)], 1);
    return String(told) === "1,2";
  },
  scheduleAfterUiUpdateCallbacks: () => called((done) => {
    onAfterUiUpdate(done);
    scheduleAfterUiUpdateCallbacks();
  }),
  onUiLoaded: () => called(onUiLoaded),
  onUiUpdate: () => called((done) => {
    onUiUpdate(done);
    document.body.append(make("i"));
  }),
  onAfterUiUpdate: () => called((done) => {
    onAfterUiUpdate(done);
    document.body.append(make("i"));
  }),
  onUiTabChange: () => called((done) => {
    onUiTabChange(done);
    switch_to_extras();
    setTimeout(switch_to_txt2img, 50);
  }),
  onOptionsAvailable: () => called(onOptionsAvailable),
  onOptionsChanged: () => called(async (done) => {
    onOptionsChanged(() => opts.send_seed === false && done());
    await setOption("send_seed", false);
    tellSettings();
  }).finally(() => setOption("send_seed", true)),
  opts: () => typeof opts.samples_format === "string" && "outdir_txt2img_samples" in opts,
  // --- fields --------------------------------------------------------------------------------------------------------
  updateInput: () => called((done) => {
    const box = $("#txt2img_neg_prompt textarea");
    box.addEventListener("input", done, { once: true });
    updateInput(box);
  }),
  onEdit: () => called((done) => {
    const box = $("#txt2img_neg_prompt textarea");
    onEdit("checks", box, 1, done);
    updateInput(box);
  }),
  activePromptTextarea: async () => {
    // A field of a tab that is not shown takes no focus.
    switch_to_txt2img();
    await until(() => uiElementIsVisible($("#txt2img_neg_prompt textarea")));
    $("#txt2img_neg_prompt textarea").focus();
    const last = activePromptTextarea.txt2img;
    $("#txt2img_prompt textarea").focus();
    return last === $("#txt2img_neg_prompt textarea") && activePromptTextarea.txt2img === $("#txt2img_prompt textarea");
  },
  promptTokenCountUpdateFunctions: () => typeof promptTokenCountUpdateFunctions.txt2img_prompt === "function",
  registerTextarea: () => counts((done) => {
    registerTextarea("txt2img_prompt", "txt2img_token_counter", "checks_counter");
    updateInput($("#txt2img_prompt textarea"));
    return done;
  }),
  setupTokenCounting: () => counts(() => {
    setupTokenCounting("txt2img_prompt", "txt2img_token_counter", "checks_counter");
    updateInput($("#txt2img_prompt textarea"));
  }),
  update_token_counter: () => counts(() => update_token_counter("checks_counter")),
  updatePromptTokens: () => clicked("#txt2img_token_button", () => updatePromptTokens("txt2img")),
  update_txt2img_tokens: () => clicked("#txt2img_token_button", () => update_txt2img_tokens()),
  update_img2img_tokens: () => clicked("#img2img_token_button", () => update_img2img_tokens()),
  recalculatePromptTokens: () => clicked("#txt2img_negative_token_button", () => recalculatePromptTokens("txt2img_neg_prompt")),
  recalculate_prompts_txt2img: () => String(recalculate_prompts_txt2img(1, 2)) === "1,2",
  recalculate_prompts_img2img: () => String(recalculate_prompts_img2img(1, 2)) === "1,2",
  recalculate_prompts_inpaint: () => String(recalculate_prompts_inpaint(1, 2)) === "1,2",
  keyupEditAttention: () => {
    const box = make("textarea", { value: "a fox" });
    document.body.append(box);
    box.setSelectionRange(2, 5);
    box.addEventListener("keydown", keyupEditAttention);
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", ctrlKey: true }));
    const { value } = box;
    box.remove();
    return value === "a (fox:1.1)" || value;
  },
  args_to_array: () => (function () {
    return String(args_to_array(arguments)) === "1,2";
  })(1, 2),
  clear_prompt: () => clicked("#txt2img_clear_prompt", () => clear_prompt("txt2img")),
  confirm_clear_prompt: () => {
    const { confirm } = window;
    window.confirm = () => true;
    const cleared = confirm_clear_prompt("a", "b");
    window.confirm = () => false;
    const kept = confirm_clear_prompt("a", "b");
    window.confirm = confirm;
    return JSON.stringify([cleared, kept]) === '[["",""],["a","b"]]';
  },
  setRandomSeed: () => {
    setRandomSeed("txt2img");
    return $("#txt2img_seed input").value === "-1";
  },
  switchWidthHeight: () => {
    const [width, height] = ["width", "height"].map((name) => $(`#txt2img_${name} input[type=number]`));
    width.value = "128";
    updateInput(width);
    const before = height.value;
    switchWidthHeight("txt2img");
    return (width.value === before && height.value === "128") || [width.value, height.value];
  },
  dimensionChange: () => dimensionChange({}, true, false) === undefined,
  currentImg2imgSourceResolution: () => String(currentImg2imgSourceResolution(1, 2, 3)) === "48,32,3" || currentImg2imgSourceResolution(1, 2, 3),
  updateImg2imgResizeToTextAfterChangingImage: () => String(updateImg2imgResizeToTextAfterChangingImage()) === "",
  onCalcResolutionHires: () => String(onCalcResolutionHires(true, 512, 768)) === "true,512,768",
  inputAccordionChecked: () => {
    const tick = $("#txt2img_hr-checkbox input");
    inputAccordionChecked("txt2img_hr", true);
    const on = tick.checked;
    inputAccordionChecked("txt2img_hr", false);
    return on && !tick.checked;
  },
  // --- tabs ----------------------------------------------------------------------------------------------------------
  switch_to_txt2img: () => shows("tab_txt2img", switch_to_txt2img(7), 7),
  switch_to_img2img: () => shows("tab_img2img", switch_to_img2img(7), 7),
  switch_to_img2img_tab: () => {
    switch_to_img2img_tab(3);
    return until(() => get_tab_index("mode_img2img") === 3);
  },
  switch_to_sketch: () => showsMode(1, switch_to_sketch),
  switch_to_inpaint: () => showsMode(2, switch_to_inpaint),
  switch_to_inpaint_sketch: () => showsMode(3, switch_to_inpaint_sketch),
  switch_to_extras: () => shows("tab_extras", switch_to_extras(7), 7),
  get_tab_index: () => {
    switch_to_img2img();
    return until(() => get_tab_index("mode_img2img") === 0);
  },
  get_img2img_tab_index: () => String(get_img2img_tab_index("x", 2)) === "0,2",
  create_tab_index_args: () => String(create_tab_index_args("mode_img2img", ["x", 2])) === "0,2",
  get_extras_tab_index: () => {
    switch_to_txt2img();
    return get_extras_tab_index(1, 2, 3).length === 3;
  },
  // --- galleries -----------------------------------------------------------------------------------------------------
  all_gallery_buttons: () => all_gallery_buttons().length === 1 || all_gallery_buttons().length,
  selected_gallery_button: () => selected_gallery_button() === all_gallery_buttons()[0],
  selected_gallery_index: () => selected_gallery_index() === 0,
  gallery_container_buttons: () => gallery_container_buttons("txt2img_gallery").length === 1,
  selected_gallery_index_id: () => selected_gallery_index_id("txt2img_gallery") === 0 && selected_gallery_index_id("img2img_gallery") === -1,
  getGallerySelectedIndex: () => getGallerySelectedIndex("txt2img_gallery") === 0,
  extract_image_from_gallery: () => extract_image_from_gallery(["a", "b"])[0] === "a" && extract_image_from_gallery([])[0] === null,
  rememberGallerySelection: () => rememberGallerySelection() === undefined,
  attachGalleryListeners: () => attachGalleryListeners("txt2img") === $("#txt2img_gallery"),
  showModal: () => {
    showModal({ target: $("#txt2img_gallery .thumbnail-item img"), stopPropagation() {} });
    return uiElementIsVisible($("#lightboxModal")) && $("#modalImage").src === $("#txt2img_gallery .thumbnail-item img").src;
  },
  modalImageSwitch: () => clicked("#lightboxModal .modalNext", () => modalImageSwitch(1)) && open(),
  modalNextImage: () => clicked("#lightboxModal .modalNext", () => modalNextImage(new Event("click"))) && open(),
  modalPrevImage: () => clicked("#lightboxModal .modalPrev", () => modalPrevImage(new Event("click"))) && open(),
  closeModal: () => {
    closeModal();
    return !uiElementIsVisible($("#lightboxModal"));
  },
  negmod: () => String([negmod(-1, 3), negmod(4, 3)]) === "2,1",
  modalKeyHandler: () => clicked("#save_txt2img", () => modalKeyHandler(new KeyboardEvent("keydown", { key: "s" }))),
  modalSaveImage: () => clicked("#save_txt2img", () => modalSaveImage(new Event("click"))),
  saveImage: () => clicked("#save_txt2img", () => saveImage()),
  updateOnBackgroundChange: () => updateOnBackgroundChange() === undefined,
  imageMaskResize: () => imageMaskResize() === undefined,
  // --- jobs ----------------------------------------------------------------------------------------------------------
  randomId: () => /^task\([0-9a-z]{15}\)$/.test(randomId()) && randomId() !== randomId(),
  request: () => called((done, fail) => request("internal/progress", { id_task: "none" }, (answer) => answer.active === false && done(), fail)),
  requestGet: () => called((done, fail) => requestGet("internal/pending-tasks", { a: "b" }, (answer) => answer.size === 0 && done(), fail)),
  pad2: () => pad2(7) === "07",
  formatTime: () => [5, 65, 3725].map(formatTime).join() === "5s,01:05,01:02:05",
  requestProgress: () => called((done) => {
    const seen = [];
    const finish = () => (seen.some(({ active, queued, completed }) => active || queued || completed) || seen.length >= 0) && done();
    const body = JSON.stringify({ prompt: "a fox", steps: 3, width: 64, height: 64, force_task_id: "task(checks)" });
    void fetch("sdapi/v1/txt2img", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    requestProgress("task(checks)", $("#txt2img_gallery_container"), $("#txt2img_gallery"), finish, (answer) => seen.push(answer));
  }).then((fine) => fine && !$("#txt2img_results .progressDiv .progress:empty")),
  showSubmitButtons: () => {
    const { style } = $("#txt2img_interrupt");
    showSubmitButtons("txt2img", false);
    const shown = style.display;
    showSubmitButtons("txt2img", true);
    return shown === "block" && style.display === "";
  },
  showSubmitInterruptingPlaceholder: () => {
    showSubmitInterruptingPlaceholder("txt2img");
    const { display } = $("#txt2img_interrupting").style;
    showSubmitButtons("txt2img", true);
    return display === "block" && $("#txt2img_interrupting").style.display === "";
  },
  showRestoreProgressButton: () => {
    showRestoreProgressButton("txt2img", true);
    const { display } = $("#txt2img_restore_progress").style;
    showRestoreProgressButton("txt2img", false);
    return display === "flex" && $("#txt2img_restore_progress").style.display === "none";
  },
  create_submit_args: () => JSON.stringify(create_submit_args([1, 2, [3], 4, 5, 6])) === "[1,2,null,4,5,6]",
  submit: () => begins(submit, "txt2img"),
  submit_txt2img_upscale: () => begins(submit_txt2img_upscale, "txt2img"),
  submit_img2img: () => begins(submit_img2img, "img2img"),
  submit_extras: () => begins(submit_extras, "extras"),
  restoreProgress: () => clicked("#txt2img_restore_progress", () => restoreProgress("txt2img")),
  restoreProgressTxt2img: () => clicked("#txt2img_restore_progress", () => restoreProgressTxt2img()),
  restoreProgressImg2img: () => clicked("#img2img_restore_progress", () => restoreProgressImg2img()),
  restart_reload: () => typeof restart_reload === "function",
  localSet: () => {
    localSet("checks", "kept");
    return localStorage.getItem("checks") === "kept";
  },
  localGet: () => localGet("checks", "none") === "kept" && localGet("checks of nothing", "none") === "none",
  localRemove: () => {
    localRemove("checks");
    return localGet("checks", null) === null;
  },
  // --- boxes and menus -----------------------------------------------------------------------------------------------
  popup: () => {
    popup(make("p", { id: "checks_popup", textContent: "Over the page" }));
    return uiElementIsVisible($("#checks_popup"));
  },
  globalPopup: () => globalPopup.getAttribute("role") === "dialog",
  globalPopupInner: () => globalPopupInner.contains($("#checks_popup")),
  closePopup: () => {
    closePopup();
    return !uiElementIsVisible($("#checks_popup"));
  },
  popupId: () => {
    document.body.append(make("p", { id: "checks_by_id", textContent: "By its id" }));
    popupId("checks_by_id");
    const shown = globalPopup.contains($("#checks_by_id"));
    closePopup();
    return shown;
  },
  storedPopupIds: () => "checks_by_id" in storedPopupIds,
  appendContextMenuOption: () => called((done) => {
    window.checksMenu = appendContextMenuOption("#txt2img_gallery", "Checks", done);
    openMenu("#txt2img_gallery");
    $("#context-menu button").click();
  }),
  removeContextMenuOption: () => {
    removeContextMenuOption(window.checksMenu);
    openMenu("#txt2img_gallery");
    return !$("#context-menu");
  },
  addContextMenuEventListener: () => called((done) => {
    addContextMenuEventListener();
    const id = appendContextMenuOption("#txt2img_generate", "Checks", done);
    openMenu("#txt2img_generate");
    [...document.querySelectorAll(".context-menu.open button")].find(({ textContent }) => textContent === "Checks").click();
    removeContextMenuOption(id);
  }),
  // --- networks ------------------------------------------------------------------------------------------------------
  cardClicked: () => {
    const box = $("#txt2img_prompt textarea");
    type(box, "a fox");
    cardClicked("txt2img", "<lora:checks:0.5>", "", true);
    const added = box.value;
    box.value = "a fox <lora:checks:0.9>";
    cardClicked("txt2img", "<lora:checks:0.5>");
    return (added === "a fox <lora:checks:0.5>" && box.value === "a fox") || [added, box.value];
  },
  selectCheckpoint: async () => {
    selectCheckpoint("tiny-c");
    const chosen = await until(() => $("#setting_sd_model_checkpoint input").value.includes("tiny-c"));
    selectCheckpoint("tiny-b");
    return chosen && until(() => $("#setting_sd_model_checkpoint input").value.includes("tiny-b"));
  },
  selectVAE: () => {
    selectVAE("None");
    return until(() => $("#setting_sd_vae input").value === "None");
  },
  desired_checkpoint_name: () => desired_checkpoint_name === null,
  desired_vae_name: () => desired_vae_name === null,
  extraNetworksEditUserMetadata: async () => {
    extraNetworksEditUserMetadata(null, "txt2img", "checkpoints", "tiny-b");
    const opened = await until(() => document.querySelector("dialog[open]"));
    document.querySelector("dialog[open]")?.close();
    document.querySelector("#txt2img_extra_tabs [data-page=generation]").click();
    return opened;
  },
  extraNetworksRequestMetadata: async () => {
    extraNetworksRequestMetadata(null, "checkpoints", "no such file");
    const shown = await until(() => globalPopup.textContent.includes("error getting metadata"));
    closePopup();
    return shown;
  },
  extraNetworksShowMetadata: () => {
    extraNetworksShowMetadata({ ss_tag: "fox" });
    const shown = globalPopup.textContent.includes('"ss_tag": "fox"');
    closePopup();
    return shown;
  },
  setupExtraNetworksForTab: () => {
    setupExtraNetworksForTab("img2img");
    return Boolean($("#img2img_lora_cards"));
  },
  setupExtraNetworks: () => {
    setupExtraNetworks();
    return Boolean($("#txt2img_lora_cards"));
  },
  applyExtraNetworkFilter: () => called((done) => {
    $("#txt2img_lora_extra_search").addEventListener("input", done, { once: true });
    applyExtraNetworkFilter("txt2img_lora");
  }),
  applyExtraNetworkSort: () => called((done) => {
    $("#txt2img_lora_extra_search").addEventListener("input", done, { once: true });
    applyExtraNetworkSort("txt2img_lora");
  }),
  extraNetworksSearchButton: () => {
    extraNetworksSearchButton("txt2img", "lora", { target: make("button", { textContent: " foxes " }) });
    const found = $("#txt2img_lora_extra_search").value;
    extraNetworksSearchButton("txt2img", "lora", { target: make("button", { className: "search-all", textContent: "all" }) });
    return found === "foxes/" && $("#txt2img_lora_extra_search").value === "";
  },
  refreshExtraNetworks: () => asks("v1/cards/scan", () => refreshExtraNetworks()),
  extraNetworksRefreshSingleCard: () => extraNetworksRefreshSingleCard("lora", "txt2img", "a") === undefined,
  extraNetworksTabSelected: () => String(extraNetworksTabSelected()) === "",
  extraNetworksUnrelatedTabSelected: () => String(extraNetworksUnrelatedTabSelected()) === "",
  // --- texts ---------------------------------------------------------------------------------------------------------
  localization: () => typeof localization === "object",
  ignore_ids_for_localization: () => ignore_ids_for_localization.txt2img_styles === "OPTION",
  re_num: () => re_num.test("1.5") && !re_num.test("a1"),
  re_emoji: () => re_emoji.test("a 🦊") && !re_emoji.test("a fox 1"),
  original_lines: () => typeof original_lines === "object",
  translated_lines: () => typeof translated_lines === "object",
  hasLocalization: () => withWords({ fox: "Fuchs" }, () => hasLocalization()) === true && !hasLocalization(),
  getTranslation: () => withWords({ fox: "Fuchs" }, () => getTranslation("fox") === "Fuchs" && getTranslation("toString") === undefined),
  textNodesUnder: () => textNodesUnder(make("p", {}, "a", make("b", { textContent: "c" }))).length === 2,
  canBeTranslated: () => {
    const [text, emoji] = textNodesUnder(make("p", {}, "a", make("b", { textContent: "🦊" })));
    return canBeTranslated(text, "a") && !canBeTranslated(emoji, "🦊") && !canBeTranslated(text, "12");
  },
  processTextNode: () => withWords({ fox: "Fuchs" }, () => {
    const words = make("p", { textContent: " fox " });
    processTextNode(words.firstChild);
    return words.textContent === " Fuchs ";
  }),
  processNode: () => withWords({ fox: "Fuchs" }, () => {
    const words = make("p", { title: "fox", textContent: "fox" });
    processNode(words);
    return words.textContent === "Fuchs" && words.title === "Fuchs";
  }),
  localizeWholePage: () => withWords({ "A check of words": "Geprüft" }, () => {
    const words = make("p", { textContent: "A check of words" });
    document.querySelector(".gradio-container").append(words);
    localizeWholePage();
    words.remove();
    return words.textContent === "Geprüft";
  }),
  dumpTranslations: () => "Generate" in dumpTranslations(),
  download_localization: () => called((done) => {
    document.addEventListener("click", (event) => {
      if (event.target.download !== "localization.json") return;
      event.preventDefault();
      done();
    }, { once: true, capture: true });
    const { click } = HTMLAnchorElement.prototype;
    HTMLAnchorElement.prototype.click = function () {
      document.body.append(this);
      click.call(this);
      this.remove();
    };
    download_localization();
    HTMLAnchorElement.prototype.click = click;
  }),
  titles: () => titles["Page scripts' own button"] === "A tooltip of an extension",
  updateTooltip: () => {
    const button = make("button", { textContent: "Page scripts' own button" });
    updateTooltip(button);
    return button.title === "A tooltip of an extension";
  },
  setupTooltips: () => {
    const button = make("button", { textContent: "Page scripts' own button" });
    document.querySelector(".gradio-container").append(button);
    setupTooltips();
    button.remove();
    return button.title === "A tooltip of an extension";
  },
  // --- settings ------------------------------------------------------------------------------------------------------
  toggleCss: () => {
    const read = () => getComputedStyle(document.documentElement).getPropertyValue("--checks");
    toggleCss("checks_css", ":root { --checks: on; }", true);
    const on = read();
    toggleCss("checks_css", "", false);
    return on.trim() === "on" && read() === "";
  },
  settingsHintsShowQuicksettings: async () => {
    settingsHintsShowQuicksettings();
    const shown = await until(() => globalPopup.textContent.includes("sd_model_checkpoint"));
    closePopup();
    return shown;
  },
  settingsShowAllTabs: () => shows("tab_settings", settingsShowAllTabs()),
  settingsShowOneTab: () => {
    const shown = shows("tab_settings", settingsShowOneTab());
    switch_to_txt2img();
    return shown;
  },
})
