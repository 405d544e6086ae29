export default function (component) {
  const { parentElement, setTriggerValue } = component;
  const box = parentElement.querySelector(".paste");
  const onPaste = (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!file) {
      box.textContent = "The clipboard holds no image. Copy one and press Ctrl+V";
      return;
    }
    event.preventDefault();
    const reader = new FileReader();
    reader.onload = () => setTriggerValue("pasted", reader.result);
    reader.readAsDataURL(file);
    box.textContent = `Pasted ${Math.ceil(file.size / 1024)} kB. Press Ctrl+V for another`;
  };
  document.addEventListener("paste", onPaste);
  return () => document.removeEventListener("paste", onPaste);
}
