// From a folder no browser starts a worker: there the search does its work in a hidden frame.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      const ready = new Promise(resolve => { frame.onload = () => resolve(frame.contentWindow); });
      window.addEventListener("message", event => {
        if (event.source === frame.contentWindow) this.dispatchEvent(new MessageEvent("message", { data: event.data }));
      });
      frame.srcdoc = `<script>postMessage = answer => parent.postMessage(answer, "*")</` + `script>`
        + `<script src="${new URL(url, location)}"></` + `script>`;
      document.body.append(frame);
      this.postMessage = data => ready.then(to => to.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
